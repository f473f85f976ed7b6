// μ-law, as the telephone has it: a byte for a sample, with fine steps where the sound is soft.
export const fromMuLaw = (byte) => {
  const y = byte / 127.5 - 1;
  return (Math.sign(y) * (256 ** Math.abs(y) - 1)) / 255;
};
