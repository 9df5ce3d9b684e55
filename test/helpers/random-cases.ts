/** A quarter of what a number says for `npm run test:quick`, half of it for `npm test`. */
const usualShare = process.env.RR_TEST_QUICK === undefined ? 0.5 : 0.25;

/** How many random cases a property is tried with. `RR_TEST_CASES=20` tries forty times as many as `npm test`. */
export function randomCases(count: number): number {
  const share = Number(process.env.RR_TEST_CASES ?? usualShare);
  return Math.ceil(count * share);
}
