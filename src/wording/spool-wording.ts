/** What is said of outcomes that went to the disk because Redis could not take them. */
import type { EngineFact } from '../protocol/events.ts';
import { plural } from './plural.ts';
import { visible, visibleWithin } from './visible.ts';

type SpoolFact = Extract<EngineFact, { type: 'outcomes.spooled' | 'outcomes.restored' | 'spool.failed' }>;

interface SpoolWording {
  readonly level: 'info' | 'warn' | 'error';
  readonly glyph: '!' | '●';
  readonly text: string;
}

const textLimit = 200;

export function spoolWording(fact: SpoolFact): SpoolWording {
  switch (fact.type) {
    case 'outcomes.spooled': {
      const text = `how ${plural(fact.count, 'job')} ended is in ${visible(fact.file)} until Redis can be told`;
      return { level: 'warn', glyph: '!', text };
    }
    case 'outcomes.restored': {
      const peer = visibleWithin(fact.peer, textLimit);
      return {
        level: 'info',
        glyph: '●',
        text: `${peer} had stopped while Redis was away; how ${plural(fact.count, 'job')} of it ended is written now`,
      };
    }
    case 'spool.failed': {
      const about = fact.count > 0 ? ` (${plural(fact.count, 'job')})` : '';
      const text = `${visible(fact.file)}${about}: ${visibleWithin(fact.reason, textLimit)}`;
      return { level: 'error', glyph: '!', text };
    }
  }
}
