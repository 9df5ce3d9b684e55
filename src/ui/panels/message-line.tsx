/** The reply to the last command, or that the runner or Redis is away, or the latest event. */
import type { ReactNode } from 'react';
import { glyphColors, wordingOf } from '../../messages/events.ts';
import { clock } from '../../messages/quantities.ts';
import type { Snapshot } from '../../protocol/snapshot.ts';
import type { AppState } from '../../store/app-store.ts';
import type { Toast } from '../../store/view.ts';
import { Canvas } from '../frame/canvas.tsx';
import { useFrame } from '../frame/use-frame.ts';
import { type Line, lineOf, span } from '../text/line.ts';

interface Messages extends Pick<Snapshot, 'redis' | 'history'>, Pick<AppState, 'away'> {
  /** `null` if its time is over. */
  readonly toast: Toast | null;
}

export function MessageLine(): ReactNode {
  const { columns, ...messages } = useFrame(({ model, view, away, size, nowMs }) => ({
    toast: view.toast !== null && view.toast.untilMs > nowMs ? view.toast : null,
    away,
    redis: model.redis,
    history: model.history,
    columns: size.columns,
  }));
  return <Canvas width={columns} lines={[messageLine(messages, columns)]} />;
}

function messageLine({ toast, away, redis, history }: Messages, width: number): Line {
  if (toast !== null) {
    return lineOf(width, [
      span(toast.isError ? ' ✗ ' : ' ✓ ', { color: toast.isError ? 'red' : 'green' }),
      span(toast.text),
    ]);
  }
  if (away !== null) return lineOf(width, [span(` ✗ ${away}`, { color: 'red', bold: true })]);
  if (redis.state === 'down') {
    return lineOf(width, [
      span(' ✗ Redis: ', { color: 'red', bold: true }),
      span(`${redis.reason ?? 'not usable'}; running jobs continue, reconnecting`),
    ]);
  }
  for (let at = history.length - 1; at >= 0; at -= 1) {
    const event = history[at];
    const wording = event === undefined ? null : wordingOf(event, null);
    if (event === undefined || wording === null) continue;
    return lineOf(width, [
      span(` ${clock(event.atMs)} `, { dim: true }),
      span(`${wording.glyph} `, { color: glyphColors[wording.glyph] }),
      span(`${wording.subject}: ${wording.jobId === null ? '' : `#${wording.jobId} `}${wording.text}`, {
        dim: true,
      }),
    ]);
  }
  return lineOf(width, []);
}
