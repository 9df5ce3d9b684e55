/** Refuses a Node that is too old for the program or its tools, before either fails in some other way. */
import { SetupError } from './setup-error.mjs';

const oldest = [20, 19];

/** @throws {SetupError} when this Node is too old. */
export function assertNodeVersion(version = process.versions.node) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = oldest;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  throw new SetupError(
    `this needs Node ${oldest.join('.')} or newer, and \`node\` is ${version}. ` +
      'Install a newer one (https://nodejs.org/en/download, or `nvm install 22`) and try again.',
  );
}
