/** `resque-runner failed show [ID]`: one failure with all details. */
import { isUtf8 } from 'node:buffer';
import { visible } from '../../messages/visible.ts';
import { FailedList } from '../../resque/failed/failed-list.ts';
import type { ListedRecord } from '../../resque/failed/failed-page.ts';
import type { CommandContext } from '../command-line/command-spec.ts';
import { exitCodes, OperatingError } from '../command-line/exit-codes.ts';
import type { Io } from '../command-line/io.ts';
import { type RedisTarget, withTarget } from '../redis/target.ts';
import { print, printJson } from '../terminal/output.ts';
import { failureText } from './failure-text.ts';
import { failureId, findEntry } from './find-entry.ts';

export async function run({ invocation, io }: CommandContext): Promise<number> {
  const { input, flags } = invocation;
  const [id] = input;
  const { entry, target } = await withTarget(io, flags, async (sender, found) => {
    const list = new FailedList(sender, found.keys);
    return { entry: id === undefined ? await newest(list, found) : await findEntry(list, id), target: found };
  });
  if (flags.json) await printRecord(io, entry);
  else await print(io, `${failureText(io, entry, flags, target)}\n`);
  return exitCodes.clean;
}

async function newest(list: FailedList, { keys, shown }: RedisTarget): Promise<ListedRecord> {
  const [entry] = (await list.page(null, 1)).entries;
  if (entry !== undefined) return entry;
  throw new OperatingError(`there is no failure to show: ${keys.failed} at ${shown} is empty`);
}

/** Prints the record byte for byte. On a terminal, control characters become JSON escapes with the same meaning. */
async function printRecord(io: Io, entry: ListedRecord): Promise<void> {
  const { index, record } = entry;
  const text = record.toString('utf8');
  if (!isUtf8(record) || !isJson(text)) {
    const base64 = record.toString('base64');
    await printJson(io, { index, id: failureId(entry), isJson: false, text, base64 });
    return;
  }
  await print(io, `${io.stdout.isTTY === true ? visibleRecord(text) : text}\n`);
}

/** Keeps white space between JSON tokens: inside strings, JSON allows no raw tabs or line breaks. */
function visibleRecord(text: string): string {
  return text
    .split(/([\t\n\r])/)
    .map((part) => (/^[\t\n\r]$/.test(part) ? part.replace('\r', '') : visible(part)))
    .join('');
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}
