import { expect, test } from 'vitest';
import { withoutFacades } from '../../../scripts/bundle/builtin-modules.mjs';

test.each([
  ['a default import', 'import fs from"node:fs";use(fs)', 'const fs=process.getBuiltinModule("fs");use(fs)'],
  ['a namespace', 'import*as fs from"fs";', 'const fs=process.getBuiltinModule("fs");'],
  [
    'names, one of them renamed',
    'import{join,resolve as resolve2}from"node:path";',
    'const {join,resolve:resolve2}=process.getBuiltinModule("path");',
  ],
  [
    'a default import beside names',
    'import path,{join}from"node:path";',
    'const path=process.getBuiltinModule("path"),{join}=process.getBuiltinModule("path");',
  ],
  [
    'imports between other code, which may use them before',
    'run();import a from"node:os";stop();import{b}from"fs/promises";',
    'const a=process.getBuiltinModule("os"),{b}=process.getBuiltinModule("fs/promises");run();stop();',
  ],
])('%s of a module of Node becomes a constant', (_what, code, expected) => {
  expect(withoutFacades(code)).toBe(expected);
});

test.each([
  'import{a}from"./chunk-ABC.js";',
  'import"./chunk-ABC.js";',
  'import koffi from"koffi";',
  'await import("node:fs");',
])('leaves alone what is not an import of a module of Node: %s', (code) => {
  expect(withoutFacades(code)).toBe(code);
});
