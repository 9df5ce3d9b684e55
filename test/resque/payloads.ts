/** Payloads as hostile or careless clients may push them. */
import fc from 'fast-check';

export const wrapper = 'ActiveJob::QueueAdapters::ResqueAdapter::JobWrapper';

/** A job whose JSON is exactly so many levels deep. */
export function nested(depth: number): string {
  return `{"class":"Deep","args":${'['.repeat(depth - 1)}1${']'.repeat(depth - 1)}}`;
}

/** Bits that lax parsers take and strict ones don't, or that only look dangerous. */
const bits: readonly string[] = [
  ...[
    'NaN',
    '-NaN',
    'nan',
    '-nan',
    'Infinity',
    '-Infinity',
    '-inf',
    'inf',
    'INF',
    '+1',
    '+0x1',
    '-+1',
    '- 1',
  ],
  ...[
    '0x10',
    '-0x1F',
    '0X1',
    '00',
    '01',
    '-01',
    '-00',
    '1.',
    '-1.',
    '.5',
    '-.5',
    '1.e5',
    '1e',
    '1e+',
    '0e1',
    '-0',
  ],
  ...['1e5', '1E+5', '1e400', '1.5', '9007199254740993', '-', '+', '1 2', '0b1', '1_0', '1p3', '0x1p3'],
  ...[
    'null',
    'true',
    'false',
    'nul',
    'TRUE',
    'undefined',
    'nulll',
    'true1',
    '[]',
    '{}',
    '[,]',
    '[1,]',
    '{"a":1,}',
  ],
  ...[
    '"\\ud800"',
    '"\\udc00\\ud800"',
    '"\\ud83d\\ude00"',
    '"\\\\ud800"',
    '"\\u0000"',
    '"\\x41"',
    "'a'",
    '"\\\'"',
  ],
  ...[
    '"\t"',
    '"\n"',
    '"\x00"',
    '"\x7f"',
    '"\x1f"',
    '"é"',
    '"\u2028"',
    '"😀"',
    '"a',
    'a"',
    '"\\"',
    '"\\u12"',
    '"\\/"',
  ],
  ...[
    '//c\n1',
    '/**/1',
    '#',
    ':',
    ',',
    '}',
    '{',
    '[',
    ']',
    '\t',
    '\n',
    '\r',
    '\x00',
    '\f',
    '\u00a0',
    '\ufeff',
    ' ',
  ],
];

/** Bytes that are UTF-8 only at first sight: stray, overlong, surrogates, beyond Unicode, cut off. */
const badUtf8 = [
  'ff',
  '80',
  'c0af',
  'c1bf',
  'e08080',
  'eda080',
  'edbfbf',
  'f0808080',
  'f4908080',
  'f5808080',
  'c3',
  'e282',
];

const bit = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...bits).map((text) => Buffer.from(text)) },
  { weight: 1, arbitrary: fc.constantFrom(...badUtf8).map((hex) => Buffer.from(`22${hex}22`, 'hex')) },
);

/** JSON of an object, with what may be in it. */
export const jsonObjects: fc.Arbitrary<Buffer> = fc
  .tuple(
    fc.dictionary(
      fc.oneof(fc.constantFrom('class', 'args', 'queue'), fc.string({ unit: 'binary' })),
      fc.jsonValue(),
    ),
    fc.constantFrom(undefined, undefined, undefined, 1, '\t'),
  )
  .map(([object, indent]) => Buffer.from(JSON.stringify(object, null, indent)));

/** An object's JSON with a bit as one of its values, or anywhere. */
const hostilePayloads: fc.Arbitrary<Buffer> = fc.oneof(
  fc
    .tuple(fc.constantFrom('{"class":"A","args":[', '{"a":', '{"a":1,"b":[0, ', '{"a": ', '{'), bit)
    .map(([start, middle]) => Buffer.concat([Buffer.from(start), middle, Buffer.from(endOf(start))])),
  fc.tuple(jsonObjects, fc.nat(), fc.nat(2), bit).map(([json, place, cut, put]) => {
    const at = place % (json.length + 1);
    return Buffer.concat([json.subarray(0, at), put, json.subarray(at + cut)]);
  }),
  bit,
);

function endOf(start: string): string {
  return `${'[{'.includes(start.trim().at(-1) ?? '') && start !== '{' ? ']' : ''}}`;
}

export const anyBytes: fc.Arbitrary<Buffer> = fc.oneof(
  { weight: 4, arbitrary: hostilePayloads },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)) },
);
