/** What goes by the same name; each may go by several. */
export function groupsOf<T>(all: readonly T[], namesOf: (each: T) => readonly string[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const each of all) {
    for (const name of namesOf(each)) {
      const group = groups.get(name);
      if (group === undefined) groups.set(name, [each]);
      else group.push(each);
    }
  }
  return groups;
}
