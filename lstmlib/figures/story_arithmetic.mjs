// Stories, a careful reader of them, and the two networks that answer questions on them.
// tests/test_arithmetic.py holds all of it equal to lstmlib.

import { dot } from "./cell_arithmetic.mjs";
import { affine, lstmStep, softmax, zeroState } from "./layer_arithmetic.mjs";

const shortened = (word) => (word.length > 20 ? `${word.slice(0, 20)}…` : word);
const wordsOf = (text) => text.split(/\s+/).filter(Boolean);
const unknown = (words, { words: known }) => words.find((word) => !known.includes(word));

// The sentences of a text as numbers of who, verb and what; or what is wrong with it.
export function readStory(text, grammar) {
  const parts = text.toLowerCase().split(/[.!?;\n]/).map(wordsOf).filter(({ length }) => length);
  if (!parts.length) return { wrong: "There is no sentence in the story." };
  if (parts.length > grammar.most)
    return {
      wrong: `A story may have ${grammar.most} sentences here, and this one has ${parts.length.toLocaleString("en")}.`,
    };
  const sentences = [];
  for (const [t, words] of parts.entries()) {
    const stranger = unknown(words, grammar);
    if (stranger !== undefined)
      return { wrong: `Sentence ${t + 1} has “${shortened(stranger)}”, which is none of the words known here.` };
    const [who, verb, what, ...more] = words.filter((word) => word !== "to" && word !== "the");
    const { people, places, things, moves, takes, leaves } = grammar;
    const ends = moves.includes(verb) ? places : takes.includes(verb) || leaves.includes(verb) ? things : [];
    const fits = people.includes(who) && who === words[0] && ends.includes(what) && what === words.at(-1);
    if (!fits || more.length)
      return {
        wrong: `Sentence ${t + 1} must be like “anna went to the attic”, “ben took the lamp” or “ben left the lamp”.`,
      };
    sentences.push([who, verb, what].map((word) => grammar.words.indexOf(word)));
  }
  return { sentences };
}

// The number of who or what a question asks for; or what is wrong with it.
export function readQuestion(text, grammar) {
  const words = wordsOf(text.toLowerCase().replaceAll("?", " "));
  const stranger = unknown(words, grammar);
  if (stranger !== undefined)
    return { wrong: `The question has “${shortened(stranger)}”, which is none of the words known here.` };
  const [where, is, ...rest] = words;
  const asked = rest.at(-1);
  const between = rest.length === 1 || (rest.length === 2 && rest[0] === "the");
  if (where === "where" && is === "is" && between && [...grammar.people, ...grammar.things].includes(asked))
    return { asked: grammar.words.indexOf(asked) };
  return { wrong: "A question must be like “where is anna?” or “where is the lamp?”." };
}

// Who moves takes along what they hold: a place's position or null, and the sentences that tell it.
export function whereIs(sentences, asked, { people, moves, takes, words }) {
  const known = new Map();
  const holder = new Map();
  const nowhere = { place: null, facts: [] };
  sentences.forEach(([who, verb, what], t) => {
    if (moves.includes(words[verb])) {
      const place = what - people.length;
      known.set(who, { place, facts: [t] });
      for (const [thing, person] of holder)
        if (person === who) known.set(thing, { place, facts: [known.get(thing).facts[0], t] });
      return;
    }
    const { place, facts } = known.get(who) ?? nowhere;
    known.set(what, { place, facts: [t, ...facts] });
    holder.delete(what);
    if (takes.includes(words[verb])) holder.set(what, who);
  });
  return known.get(asked) ?? nowhere;
}

// A sentence is a bag of words, the question stands beside it: rows of W_x^T are added up.
export function storyLSTM(sentences, asked, { W_x, W_h, b, read }) {
  const words = W_x[0].length / 2;
  let state = zeroState({ b });
  for (const sentence of sentences) {
    const input = b.map((bias, k) =>
      [...sentence, words + asked].reduce((sum, word) => sum + W_x[k][word], bias));
    state = lstmStep(input, state, { W_h });
  }
  return softmax(affine(state.h, read.W, read.b));
}

// Every look has weights over the sentences; what is read at one look is what is matched at the next.
export function memoryNetwork(sentences, asked, { words, times, ask, read }) {
  const memories = Object.keys(words).map((k) =>
    sentences.map((sentence, t) =>
      times[k][sentences.length - 1 - t].map((ago, d) =>
        sentence.reduce((sum, word) => sum + words[k][word][d], ago))));
  let u = ask.map((row) => row[asked]);
  const looks = memories.slice(1).map((c, k) => {
    const p = softmax(memories[k].map((m) => dot(m, u)));
    u = u.map((value, d) => p.reduce((sum, weight, t) => sum + weight * c[t][d], value));
    return p;
  });
  return { y: softmax(affine(u, read.W, read.b)), looks };
}
