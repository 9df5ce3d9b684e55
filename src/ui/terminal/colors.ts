/**
 * Whether the terminal gets colours: the sixteen ANSI ones or none, since more than those can't follow the user's
 * theme. Bold, dim, underlined and inverse text stays either way, so that nothing is told by a colour alone.
 *
 * Ink isn't asked and need not be told: its `chalk` heeds neither NO_COLOR nor us, but it only acts on the style
 * properties of `<Text>` and on borders of `<Box>`, and our screens are strings that `render` of the lines made.
 * A component that uses those properties would show colours regardless.
 */
export function hasColors(env: Readonly<Record<string, string | undefined>>): boolean {
  // https://no-color.org: present and not empty, whatever its value.
  return (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb';
}
