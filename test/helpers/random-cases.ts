/** How many random cases a property is tried with: `npm run test:quick` tries a quarter of them. */
export function randomCases(count: number): number {
  return process.env.RR_TEST_QUICK === undefined ? count : Math.ceil(count / 4);
}
