import { access, constants } from 'node:fs/promises';
import type { RunnerConfig } from '../config/config.ts';
export async function checkStartable(r: RunnerConfig): Promise<{ ok: true } | { ok: false; reason: string }> {
  const p = r.script[0] ?? '';
  if (!p.includes('/')) return { ok: true };
  try {
    await access(p, constants.X_OK);
    return { ok: true };
  } catch (e) {
    return { ok: false, reason: String(e) };
  }
}
