// What figures share that can be heard: a button that plays and stops. Nothing sounds before it is pressed.

import { button } from "./drawing.mjs";

// Puts the button into a row, and returns what stops the sound. `prepare` gives what plays, or nothing where there is
// nothing to play: a function of the context and of the time to begin, which returns the node that ends last. `follow`
// gets the seconds since then at every frame, unless less motion is asked for; `show` says what happened, and `kept`
// what is there without sound.
export function player(row, { prepare, follow, show, kept }) {
  let playing = null;
  const stop = () => {
    const was = playing;
    playing = null;
    was?.stop();
    play.textContent = "Play";
  };
  const play = button(row, "Play", async () => {
    if (playing) {
      stop();
      return show("Stopped. ");
    }
    const sound = prepare();
    if (!sound) return;
    play.textContent = "Stop";
    const waits = (playing = { stop: () => {} }); // until there is a sound to stop
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const mine = await start(sound, still ? () => {} : follow, () => {
      if (playing !== mine) return;
      stop();
      show("Played to the end. ");
    });
    if (playing !== waits) return mine?.stop();
    playing = mine;
    if (!mine) stop();
    show(mine ? "It plays. " : `Your browser lets this page play no sound. ${kept} `);
  });
  return stop;
}

// Null where the browser refuses; `ended` is called once.
async function start(sound, follow, ended) {
  let context;
  try {
    context = new AudioContext();
    const patience = new Promise((done) => setTimeout(done, 1000));
    await Promise.race([context.resume(), patience]);
    if (context.state !== "running") throw new Error(context.state);
  } catch {
    context?.close();
    return null;
  }
  const begin = context.currentTime + 0.05;
  let over = false;
  const finish = () => {
    if (over) return;
    over = true;
    context.close();
    ended();
  };
  const watch = () => {
    if (over) return;
    follow(Math.max(0, context.currentTime - begin));
    requestAnimationFrame(watch);
  };
  sound(context, begin).addEventListener("ended", finish);
  watch();
  return { stop: finish };
}
