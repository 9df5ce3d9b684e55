/** What log and screen say about the address at which metrics can be read. */
import type { OwnersFact } from '../protocol/events.ts';
import { visibleWithin } from './visible.ts';

interface MetricsMessages {
  readonly glyph: '●' | '!';
  readonly level: 'info' | 'warn' | 'error';
  readonly text: string;
}

const addressLimit = 200;

export function metricsMessages(event: OwnersFact): MetricsMessages {
  switch (event.type) {
    case 'metrics.opened':
      return { glyph: '●', level: 'info', text: `at ${short(event.address)}` };
    case 'metrics.closed':
      return { glyph: '●', level: 'info', text: `off, no longer at ${short(event.address)}` };
    case 'metrics.failed': {
      const { address, reason, current } = event;
      const still = current === null ? 'metrics are off' : `metrics are still at ${short(current)}`;
      return { glyph: '!', level: 'error', text: `${short(cannotListen(address, reason))}; ${still}` };
    }
    case 'metrics.folded': {
      const kind = event.label === 'queue' ? 'queues' : 'classes';
      const text = `more than ${event.limit.toLocaleString('en')} ${kind}: the others share the label ${event.label}="other"`;
      return { glyph: '!', level: 'warn', text };
    }
  }
}

/** Also the error of a start. */
export function cannotListen(address: string, reason: string): string {
  return `can't listen at ${address}: ${reason}`;
}

function short(text: string): string {
  return visibleWithin(text, addressLimit);
}
