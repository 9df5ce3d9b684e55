import { expect, test } from 'vitest';
import { assertNodeVersion } from '../../scripts/setup/node-version.mjs';

test.each(['20.19.0', '20.20.2', '22.0.0', '24.1.0'])('Node %s is accepted', (version) => {
  expect(() => assertNodeVersion(version)).not.toThrow();
});

test.each(['20.18.3', '18.20.0', '8.0.0'])('Node %s is rejected with a solution', (version) => {
  expect(() => assertNodeVersion(version)).toThrow(
    `Node 20.19 or newer is required, but \`node\` is ${version}. Install a newer version`,
  );
});
