/**
 * The payload that Resque's clients write, member for member. JSON arguments go in as they were typed, so that
 * integers above 2^53 keep their digits.
 *
 * @param args each JSON, or else taken for a string
 */
export function jobPayload(jobClass: string, args: readonly string[]): string {
  return `{"class":${JSON.stringify(jobClass)},"args":[${args.map(argumentJson).join(',')}]}`;
}

function argumentJson(text: string): string {
  try {
    JSON.parse(text);
    return text.trim();
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return JSON.stringify(text);
  }
}
