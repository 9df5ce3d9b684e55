/** What Ruby's JSON parser would object to in a text that `JSON.parse` takes. By hand: not the code under test. */

/** The escapes of halves of surrogate pairs that stand alone. */
export function loneSurrogatesOf(json: string): string[] {
  const lone: string[] = [];
  for (let at = 0; at < json.length; at += 1) {
    if (json[at] !== '\\') continue;
    const code = /^u[0-9a-f]{4}/i.test(json.slice(at + 1, at + 6)) ? hex(json, at + 2) : 0;
    if (
      code >= 0xd800 &&
      code <= 0xdbff &&
      json.slice(at + 6, at + 8) === '\\u' &&
      isLow(hex(json, at + 8))
    ) {
      at += 11;
      continue;
    }
    if (code >= 0xd800 && code <= 0xdfff) lone.push(json.slice(at, at + 6));
    at += 1;
  }
  return lone;
}

function hex(json: string, at: number): number {
  return Number.parseInt(json.slice(at, at + 4), 16);
}

function isLow(code: number): boolean {
  return code >= 0xdc00 && code <= 0xdfff;
}

/** Levels of nesting. */
export function depthOf(json: string): number {
  const bare = json.replace(/"(?:[^"\\]|\\.)*"/gs, '""');
  let depth = 0;
  let deepest = 0;
  for (const character of bare) {
    if (character === '{' || character === '[') deepest = Math.max(deepest, ++depth);
    else if (character === '}' || character === ']') depth -= 1;
  }
  return deepest;
}
