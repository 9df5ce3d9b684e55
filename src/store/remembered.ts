/**
 * Remembers the last result of a function: with the same arguments it returns the same object again. Screens and actions
 * ask the same questions many times about one model, and a component that gets the same object doesn't render again.
 */
export function remembered<Arguments extends readonly unknown[], Result>(
  compute: (...given: Arguments) => Result,
): (...given: Arguments) => Result {
  let last: { readonly given: Arguments; readonly result: Result } | null = null;
  return (...given) => {
    if (last === null || !given.every((argument, at) => Object.is(argument, last?.given[at]))) {
      last = { given, result: compute(...given) };
    }
    return last.result;
  };
}
