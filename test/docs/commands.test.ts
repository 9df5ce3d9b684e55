/**
 * Runs the documents: every block for a shell, in order, in a sandbox of its own document, or shows where else it is
 * run (`elsewhere.ts`).
 *
 * What a document shows is what a reader would have by then:
 *
 * - A block whose line above ends with a file's name and a colon, as "`cfg.json`:", is that file.
 * - A numbered step that begins with a command in backticks runs it.
 * - `console` blocks show what a command prints after its `$ `; numbers may differ, `…` stands for anything.
 * - Each block has to end with exit code 0, or with the one that its last line gives (`exit 1`). A command that is to
 *   fail says so in its comment: `# exits 1`.
 * - A runner that a block starts goes on behind the rest of the document, and the next block waits until its jobs are
 *   done.
 */
import { describe, expect, test } from 'vitest';
import { useRedis } from '../helpers/redis.ts';
import { elsewhere, objectionTo, rowFor } from './elsewhere.ts';
import { allDocuments, type Block, commandsOf, type MarkdownDocument } from './markdown.ts';
import { useSandbox } from './sandbox.ts';
import { scriptOf, transcriptOf, transcriptPattern } from './shell-blocks.ts';

const documents = allDocuments();
const redis = useRedis();
const sandbox = useSandbox(redis);

/** Steps of a document, as a reader goes through it. */
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

/** Whether it is run by another test: all of it, or nothing. */
function isElsewhere(path: string, step: Step): boolean {
  const commands = commandsIn(step);
  const listed = commands.filter((command) => rowFor(command) !== undefined);
  if (listed.length === 0) return false;
  expect(
    listed,
    `${path}:${step.line} mixes commands for elsewhere and for here: make two blocks of it`,
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

describe('every command of a document is run:', () => {
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

describe('what is run elsewhere', () => {
  const commands = documents.flatMap((document) => stepsOf(document).flatMap(commandsIn));

  test('is run there', () => {
    const objections = commands.map((command) => {
      const row = rowFor(command);
      return row === undefined ? null : objectionTo(row, command);
    });
    expect(objections.filter((objection) => objection !== null)).toEqual([]);
  });

  test('is still in a document', () => {
    const idle = elsewhere.filter((row) => !commands.some((command) => row.command.test(command)));
    expect(idle.map(({ command }) => String(command))).toEqual([]);
  });
});
