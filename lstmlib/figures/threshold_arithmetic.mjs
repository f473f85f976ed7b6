// Counting alarms. tests/test_arithmetic.py holds it equal to lstmlib's Threshold.

// A beat raises an alarm where its score is above the threshold. How many alarms, how many of them for
// odd beats, and what follows; a share of nothing is null.
export function countAlarms(scores, odd, threshold, hours) {
  let [right, wrong, all] = [0, 0, 0];
  scores.forEach((score, n) => {
    if (odd[n]) all += 1;
    if (score <= threshold) return;
    if (odd[n]) right += 1;
    else wrong += 1;
  });
  const alarms = right + wrong;
  return {
    alarms,
    right,
    precision: alarms ? right / alarms : null,
    recall: all ? right / all : null,
    falsePerHour: wrong / hours,
  };
}
