/** Whether this value of `pause-all-workers` stops every worker, as Resque reads it; `null`: the key isn't there. */
export function stopsAll(value: string | null): boolean {
  return value !== null && value.trim().toLowerCase() === 'true';
}
