/**
 * How long something has been running, in five columns, or six from ten hours and ten days on: `00:41`, `12:04`,
 * `3h04m`, `3d04h`. Rounded down, so that it never runs ahead. A clock that was set back shows as `00:00`.
 */
export function elapsed(ms: number): string {
  const seconds = ms > 0 ? Math.floor(ms / 1_000) : 0;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${two(minutes)}:${two(seconds % 60)}`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours}h${two(minutes % 60)}m`;
  return `${Math.floor(hours / 24)}d${two(hours % 24)}h`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
