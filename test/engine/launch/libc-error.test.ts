import { constants } from 'node:os';
import { expect, test } from 'vitest';
import { LibcError } from '../../../src/engine/launch/libc.ts';

test.each(['EAGAIN', 'EMFILE', 'ENOMEM', 'ENOEXEC', 'ENOTSUP'] as const)(
  'an error of the C library has the name that documents use: %s',
  (code) => {
    const error = new LibcError('spawn', constants.errno[code]);
    expect(error.code).toBe(code);
    expect(error.message).toBe(`spawn ${code}`);
  },
);

test('an error without a name has its number', () => {
  expect(new LibcError('spawn', 9_999).code).toBe('E9999');
});
