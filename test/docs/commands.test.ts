/**
 * Runs every shell block of every document. The blocks of a document run in order, in a sandbox of their own.
 * Commands that can't run there are listed in `elsewhere.ts`.
 *
 * How to write a document for this:
 *
 * - A block is a file if the line above it ends with the file's name and a colon, such as "`cfg.json`:".
 * - A numbered step that begins with a command in backticks runs that command.
 * - A `console` block has commands after `$ ` and their output. Numbers may differ, and `…` matches anything.
 * - A block must exit with 0, or with the code that its last line gives (`exit 1`). If a command fails on purpose, say
 *   so in its comment: `# exits 1`.
 * - A runner that a block starts keeps running until the end of the document. The next block waits until the runner's
 *   jobs are done.
 */
import { describe, expect, test } from 'vitest';
import { useRedis } from '../helpers/redis.ts';
import { skipWhileUnchanged } from '../helpers/unchanged.ts';
import { elsewhere, objectionTo, rowFor } from './elsewhere.ts';
import { allDocuments, type Block, commandsOf, type MarkdownDocument } from './markdown.ts';
import { useSandbox } from './sandbox.ts';
import { scriptOf, transcriptOf, transcriptPattern } from './shell-blocks.ts';

const documents = allDocuments();
const redis = useRedis();
const sandbox = useSandbox(redis);

/** The steps of a document, in a reader's order. */
type Step =
  | { readonly kind: 'file'; readonly line: number; readonly name: string; readonly text: string }
  | { readonly kind: 'script'; readonly line: number; readonly text: string }
  | { readonly kind: 'transcript'; readonly line: number; readonly text: string };

const commandStep = /^(chmod|resque-runner|npm|npx|node|redis-cli) /;

function stepsOf({ blocks, spans }: MarkdownDocument): Step[] {
  const ofBlocks = blocks.flatMap((block): Step[] => stepOf(block));
  const ofSpans = spans
    .filter(({ isStep, text }) => isStep && commandStep.test(`${text} `))
    .map(({ line, text }): Step => ({ kind: 'script', line, text }));
  return [...ofBlocks, ...ofSpans].sort((a, b) => a.line - b.line);
}

function stepOf({ language, file, line, text }: Block): Step[] {
  const isProgram = text.startsWith('#!');
  if (language === 'console') return [{ kind: 'transcript', line, text }];
  if (language === 'sh' && !isProgram) return [{ kind: 'script', line, text }];
  return file === null ? [] : [{ kind: 'file', line, name: file, text: `${text}\n` }];
}

function commandsIn(step: Step): string[] {
  if (step.kind === 'script') return commandsOf(step.text);
  return step.kind === 'transcript' ? transcriptOf(step.text).map(({ command }) => command) : [];
}

/** Whether another test runs it: all of its commands or none. */
function isElsewhere(path: string, step: Step): boolean {
  const commands = commandsIn(step);
  const listed = commands.filter((command) => rowFor(command) !== undefined);
  if (listed.length === 0) return false;
  expect(
    listed,
    `${path}:${step.line} mixes commands that run here with commands that run elsewhere: split the block`,
  ).toEqual(commands);
  return true;
}

async function perform(step: Step, where: string): Promise<void> {
  if (step.kind === 'file') {
    sandbox().write(step.name, step.text);
    return;
  }
  if (step.kind === 'script') {
    const { script, exitCode } = scriptOf(step.text);
    const ran = await sandbox().run(script);
    expect(ran.exitCode, `${where} ends with ${exitCode}\n${step.text}\n${ran.output}`).toBe(exitCode);
  } else {
    for (const { command, shown } of transcriptOf(step.text)) {
      const { output } = await sandbox().run(scriptOf(command).script.replace(/^set -e$/m, ''));
      expect(output.trimEnd(), `${where}: ${command}`).toMatch(transcriptPattern(shown));
    }
  }
  await sandbox().settle();
}

describe('every command runs in', () => {
  const read = documents.map(({ path }) => path);
  skipWhileUnchanged(import.meta.url, ...read, 'src', 'scripts', 'examples', 'deploy', 'cfg.json.template');
  test.each(documents.map((document) => ({ path: document.path, document })))(
    '$path',
    { timeout: 60_000 },
    async ({ path, document }) => {
      for (const step of stepsOf(document)) {
        if (!isElsewhere(path, step)) await perform(step, `${path}:${step.line}`);
      }
    },
  );
});

describe('commands that run elsewhere', () => {
  const commands = documents.flatMap((document) => stepsOf(document).flatMap(commandsIn));

  test('have a test that runs them', () => {
    const objections = commands.map((command) => {
      const row = rowFor(command);
      return row === undefined ? null : objectionTo(row, command);
    });
    expect(objections.filter((objection) => objection !== null)).toEqual([]);
  });

  test('are in a document', () => {
    const idle = elsewhere.filter((row) => !commands.some((command) => row.command.test(command)));
    expect(idle.map(({ command }) => String(command))).toEqual([]);
  });
});
