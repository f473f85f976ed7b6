// What a reader types as a sequence to recall from: pairs of a letter and a number, and then a letter.

export const letterOf = (key) => String.fromCharCode(97 + key);

// A text as symbols, keys first and then values, with what is asked and what is right; or a sentence that says
// why it is none.
export function readSequence(text, { keys, values, most }) {
  const last = letterOf(keys - 1);
  const how = `Type 1 to ${most} pairs of a key, a to ${last}, and a value, 0 to ${values - 1}, and then a key, as in a3 f12 a.`;
  const parts = text.toLowerCase().match(/[a-z]|\d+|[^\s,;a-z\d]/gu) ?? [];
  if (!parts.length) return `There is nothing in it. ${how}`;
  const stranger = parts.find((part) => !/^\d+$/.test(part) && !(part >= "a" && part <= last && part.length === 1));
  if (stranger) return `“${stranger}” is no key: the keys are the letters a to ${last}.`;
  const large = parts.find((part) => /^\d/.test(part) && Number(part) >= values);
  if (large) return `A value is a number from 0 to ${values - 1}, and ${large.slice(0, 20)} is not.`;
  const out = parts.findIndex((part, t) => /^\d/.test(part) !== (t % 2 === 1));
  if (out >= 0) return `“${parts[out]}” stands where a ${out % 2 ? "value" : "key"} is expected. ${how}`;
  if (parts.length % 2 === 0) return `It ends with a value, and asks for nothing. Type a key after it.`;
  const pairs = (parts.length - 1) / 2;
  if (pairs < 1 || pairs > most) return `A sequence has 1 to ${most} pairs here, and this one has ${pairs}.`;
  const named = parts.filter((_, t) => t % 2 === 0).slice(0, -1);
  const twice = named.find((key, n) => named.indexOf(key) !== n);
  if (twice) return `The key ${twice} has two values. In the training a key had one.`;
  const place = named.indexOf(parts.at(-1));
  if (place < 0) return `The key ${parts.at(-1)} has no value in this sequence, so there is no right answer.`;
  const symbols = parts.map((part) => (/^\d/.test(part) ? keys + Number(part) : part.charCodeAt(0) - 97));
  return { symbols, right: symbols[2 * place + 1] - keys, at: 2 * place + 1 };
}
