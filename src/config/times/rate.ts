/** How often jobs can start. */
export interface Rate {
  /** Milliseconds between two starts, on average. */
  readonly intervalMs: number;
  /** How many jobs can start at once after a pause, at least 1. */
  readonly burst: number;
  /** As in the config, for people. */
  readonly text: string;
}

const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `10/s`, `100/m burst 20` */
export const rateForm = /^([1-9]\d{0,5})\/([smhd])(?: burst ([1-9]\d{0,5}))?$/;

/** @param text matches `rateForm` */
export function rateOf(text: string): Rate {
  const [, count = '1', unit = 's', burst = '1'] = rateForm.exec(text) ?? [];
  return { intervalMs: (unitMs[unit] ?? 1_000) / Number(count), burst: Number(burst), text };
}
