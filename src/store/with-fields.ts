/** The object with these fields; the very same one where it has them already. */
export function withFields<T extends object>(object: T, fields: Readonly<Partial<T>>): T {
  for (const name in fields) {
    if (!Object.is(object[name], fields[name])) return { ...object, ...fields };
  }
  return object;
}
