/** How `enqueue --file` takes a file apart: into lines, jobs and steps. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type LineStep, lineSteps, mostBytes, mostJobs } from '../../../src/cli/enqueue/enqueue-steps.ts';
import { type FileLine, FileLines } from '../../../src/cli/enqueue/file-lines.ts';
import { readJobLine } from '../../../src/cli/enqueue/job-line.ts';
import { ResumePoint } from '../../../src/cli/enqueue/resume-point.ts';

function linesOf(chunks: readonly Buffer[], options: ConstructorParameters<typeof FileLines>[0] = {}) {
  const lines = new FileLines(options);
  const found = chunks.flatMap((chunk) => [...lines.in(chunk)]);
  return [...found, ...lines.last()].map((line: FileLine) => ({
    ...line,
    bytes: line.bytes?.toString('latin1') ?? null,
  }));
}

describe('lines', () => {
  test('are the same wherever their bytes are cut apart, and know where they end', () => {
    const texts = fc.array(fc.constantFrom('a', 'bc', '\n', '\r\n', '\u00ef\u00bb\u00bf'), { maxLength: 12 });
    fc.assert(
      fc.property(texts, fc.array(fc.nat(30)), (words, cuts) => {
        const all = Buffer.from(words.join(''), 'latin1');
        const at = [0, ...cuts.filter((cut) => cut < all.length).sort((a, b) => a - b), all.length];
        const chunks = at.slice(1).map((end, index) => all.subarray(at[index], end));
        const text = all.toString('latin1');
        const expected = text.split('\n');
        if (expected.at(-1) === '') expected.pop();
        let end = -1;
        expect(linesOf(chunks)).toEqual(
          expected.map((line, index) => {
            end += line.length + 1;
            const bytes = index === 0 ? line.replace(/^\u00ef\u00bb\u00bf/, '') : line;
            return { number: index + 1, bytes, end };
          }),
        );
      }),
    );
  });

  test('that are too long are counted, and not held', () => {
    const chunks = ['12345\n123456\n12', '3', '456\n1234', '5\n1', '23456'].map((text) => Buffer.from(text));
    expect(linesOf(chunks, { longest: 5 }).map(({ bytes }) => bytes)).toEqual([
      '12345',
      null,
      null,
      '12345',
      null,
    ]);
  });

  test('are counted on from where the reading begins', () => {
    expect(linesOf([Buffer.from('x\ny')], { first: 7, offset: 100 })).toEqual([
      { number: 7, bytes: 'x', end: 101 },
      { number: 8, bytes: 'y', end: 103 },
    ]);
  });
});

function read(bytes: Buffer | string | null) {
  return readJobLine({ number: 1, bytes: bytes === null ? null : Buffer.from(bytes), end: 0 });
}

describe('a line', () => {
  test.each([
    ['{"class":"A","args":[1]}', '{"class":"A","args":[1]}'],
    ['\t {"class" : "A"}\r', '{"class" : "A"}'],
    ['{"class":"A","args":[12345678901234567890, 1.0]}', '{"class":"A","args":[12345678901234567890, 1.0]}'],
    ['{"class":"\\ud800","class":"B"}', '{"class":"\\ud800","class":"B"}'],
  ])('%j is a job, as it stands there', (line, payload) => {
    const job = read(line);
    expect(job.kind === 'job' && job.payload.toString()).toBe(payload);
  });

  test.each(['', ' \t ', '\r'])('%j is passed over', (line) => {
    expect(read(line)).toEqual({ kind: 'empty' });
  });

  test.each([
    [Buffer.from('{"class":"\xe4"}', 'latin1'), 'it is not UTF-8'],
    [Buffer.from('\ufeff{"class":"A"}', 'utf16le'), 'it is not UTF-8'],
    [
      '{"class":"A"} {"class":"B"}',
      'it is not JSON: at column 15, expected nothing after the end of the object',
    ],
    [
      '  {"class":A}',
      'it is not JSON: at column 12, an unquoted word; only true, false and null have no quotes',
    ],
    [
      `{"class":${'['.repeat(200)}`,
      'it is not JSON: at column 109, brackets are nested more than 100 levels deep',
    ],
    [`{"class":"A","args":["${'x'.repeat(1_000_000)}"`, 'it is not JSON'],
    [
      'mail\tSendMail',
      'it is not JSON: at column 1, an unquoted word; only true, false and null have no quotes',
    ],
    ['["A",1]', 'it is an array, not an object such as {"class": "SendMail", "args": []}'],
    ['null', 'it is null, not an object such as {"class": "SendMail", "args": []}'],
    ['"A"', 'it is a string, not an object such as {"class": "SendMail", "args": []}'],
    ['{"Class":"A"}', '"class" is missing'],
    ['{"class":1}', '"class" is a number, not a string'],
    ['{"class":" "}', '"class" is empty'],
    ['{"class":"A","args":{}}', '"args" is an object, not an array'],
    ['{"class":"A","args":null}', '"args" is null, not an array'],
    [null, 'it is longer than 512 MB, the limit for a job in Redis'],
  ])('%s is none', (line, reason) => {
    expect(read(line)).toMatchObject({ kind: 'wrong', wrong: { line: 1, reason } });
  });

  test('that is none is shown by its beginning, harmless to a terminal', () => {
    expect(read(`\u001b]0;${'x'.repeat(100)}`)).toMatchObject({
      wrong: { text: `\\u001b]0;${'x'.repeat(50)}…` },
    });
  });
});

async function stepsOf(lines: readonly string[]): Promise<LineStep[]> {
  const steps: LineStep[] = [];
  async function* chunks() {
    yield Buffer.from(lines.join('\n'));
  }
  for await (const step of lineSteps(chunks(), new FileLines(), new ResumePoint('x', 1, null))) {
    if (step.kind === 'step') steps.push(step);
  }
  return steps;
}

describe('steps', () => {
  test('hold no more jobs than others can wait for', async () => {
    const steps = await stepsOf([...Array.from({ length: 2 * mostJobs }, () => '{"class":"A"}'), '', '']);
    expect(steps.map(({ step: { jobs }, line }) => [jobs, line])).toEqual([
      [mostJobs, mostJobs],
      [mostJobs, 2 * mostJobs],
    ]);
  });

  test('hold no more bytes, but one job at least', async () => {
    const line = (bytes: number) => `{"class":"${'x'.repeat(bytes - 12)}"}`;
    const steps = await stepsOf([
      line(mostBytes / 2),
      line(mostBytes / 4),
      line(mostBytes / 2),
      line(2 * mostBytes),
      line(20),
    ]);
    expect(steps.map(({ line: last }) => last)).toEqual([2, 3, 4, 5]);
  });
});
