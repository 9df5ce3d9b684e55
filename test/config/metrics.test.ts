/** Addresses of metrics. */
import { expect, test } from 'vitest';
import { readListenAddress, resolveListenAddress } from '../../src/config/metrics.ts';
import { configOf, fileWith } from './helpers.ts';

test.each([
  ['127.0.0.1:9464', { kind: 'tcp', host: '127.0.0.1', port: 9464 }],
  ['localhost:1', { kind: 'tcp', host: 'localhost', port: 1 }],
  [':65535', { kind: 'tcp', host: '', port: 65_535 }],
  ['[::1]:9464', { kind: 'tcp', host: '::1', port: 9464 }],
  ['unix:/run/m.sock', { kind: 'unix', path: '/run/m.sock' }],
])('%s', (text, address) => {
  expect(readListenAddress(text)).toEqual({ ...address, text });
});

test.each([
  '',
  '9464',
  'localhost',
  'localhost:',
  ':0',
  ':65536',
  ':x',
  '::1:9464',
  'http://a:1',
  'unix:',
  'a b:1',
])('%j is none', (text) => {
  expect(readListenAddress(text)).toBeNull();
});

test('a relative path begins at the directory', () => {
  expect(resolveListenAddress({ kind: 'unix', text: 'unix:m.sock', path: 'm.sock' }, '/etc/x')).toEqual({
    kind: 'unix',
    text: 'unix:/etc/x/m.sock',
    path: '/etc/x/m.sock',
  });
});

test('in a config, relative paths begin at its directory, and metrics are off by default', () => {
  expect(configOf(fileWith()).metrics).toEqual({ listen: null, hasClassLabel: false });
  const metrics = { listen: 'unix:m.sock', classLabel: true };
  expect(configOf(fileWith({ metrics })).metrics).toEqual({
    listen: { kind: 'unix', text: 'unix:/etc/rr/m.sock', path: '/etc/rr/m.sock' },
    hasClassLabel: true,
  });
});
