/** The reply to the last command, and whether the runner or Redis is away; or else the latest event. */
import type { ReactNode } from 'react';
import { glyphColors, wordingOf } from '../../messages/events.ts';
import { clock } from '../../messages/quantities.ts';
import type { Snapshot } from '../../protocol/snapshot.ts';
import type { AppState } from '../../store/app-store.ts';
import type { Toast } from '../../store/view.ts';
import { Canvas } from '../frame/canvas.tsx';
import { useFrame } from '../frame/use-frame.ts';
import { gap, type Line, lineOf, type Span, span, widthOf } from '../text/line.ts';

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
  const outage = outageText(away, redis);
  if (toast !== null) {
    const parts = [
      span(toast.isError ? ' ✗ ' : ' ✓ ', { color: toast.isError ? 'red' : 'green' }),
      span(toast.text),
    ];
    // An outage is always visible, on half of the row at least.
    const room = Math.max(Math.floor(width / 2), width - widthOf(parts) - 1);
    return lineOf(width, [...parts, gap, ...lineOf(Math.min(room, widthOf(outage)), outage)]);
  }
  if (outage.length > 0) return lineOf(width, outage);
  for (let at = history.length - 1; at >= 0; at -= 1) {
    const event = history[at];
    const wording = event === undefined ? null : wordingOf(event, null);
    if (event === undefined || wording === null) continue;
    return lineOf(width, [
      span(` ${clock(event.atMs)} `, { dim: true }),
      span(`${wording.glyph} `, { color: glyphColors[wording.glyph] }),
      // As in the log.
      span(`${wording.subject} ${wording.jobId === null ? '' : `#${wording.jobId} `}${wording.text}`, {
        dim: true,
      }),
    ]);
  }
  return lineOf(width, []);
}

/** Without the runner, nothing is known of its Redis. */
function outageText(away: string | null, redis: Snapshot['redis']): Span[] {
  if (away !== null) return [span(` ✗ ${away}`, { color: 'red', bold: true })];
  if (redis.state !== 'down') return [];
  return [
    span(' ✗ Redis: ', { color: 'red', bold: true }),
    span(`${redis.reason ?? 'not usable'}; running jobs continue, reconnecting`),
  ];
}
