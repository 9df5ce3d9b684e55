/**
 * What packages do when they are loaded, and what every start would pay for, although the program hardly ever needs it.
 * Each saving replaces a line of a package. A line that is not there fails the build: look at what the new version of the
 * package does when it is loaded.
 */
import { readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';

/** @type {Readonly<Record<string, readonly { code: string, instead: string }[]>>} */
const savings = {
  // It comes in one file with all that it uses, and prepares to normalize a package.json: lists of licenses, URLs of
  // hosts, versions. It is given its package's name and never asked for more.
  'meow/build/dependencies.js': [
    { code: 'var normalizeExports = requireNormalize();', instead: 'var normalizeExports = () => {};' },
    // Shows where a package.json is wrong.
    { code: 'var libExports = requireLib$1();', instead: 'var libExports = {};' },
    // Loads child_process.
    { code: 'promisify(execFile);', instead: '' },
  ],
  'meow/build/options.js': [
    {
      code: "import { a as readPackageUpSync, n as normalizePackageData } from './dependencies.js';",
      instead: 'const readPackageUpSync = () => {}, normalizePackageData = () => {};',
    },
  ],
  // Sets of all emoji sequences, and what finds where characters end. Texts rarely need either.
  'string-width/index.js': [
    {
      code: 'const segmenter = new Intl.Segmenter();',
      instead: `
        let graphemes;
        const segmenter = { segment: (text) => (graphemes ??= new Intl.Segmenter()).segment(text) };`,
    },
    {
      code: 'const rgiEmojiRegex = /^\\p{RGI_Emoji}$/v;',
      instead: `
        // All of those sequences have at least one of these.
        const emojiPart = /[\\p{Emoji_Presentation}\\p{Extended_Pictographic}\\p{Regional_Indicator}\\u20E3]/u;
        let rgiEmoji;
        const rgiEmojiRegex = {
          test: (text) => emojiPart.test(text) && (rgiEmoji ??= new RegExp('^\\\\p{RGI_Emoji}$', 'v')).test(text),
        };`,
    },
  ],
  // V8 copies the list of a prototype's properties with each one that is added, so 600 methods took it 12 ms. A plain
  // object becomes a hash table early on. Measured: 0.4 ms.
  'ioredis/built/utils/Commander.js': [
    {
      code: 'commands.forEach(function (commandName) {\n    Commander.prototype[commandName] =',
      instead:
        'const methods = {};\nObject.setPrototypeOf(Commander.prototype, methods);\ncommands.forEach(function (commandName) {\n    methods[commandName] =',
    },
    {
      code: '    Commander.prototype[commandName + "Buffer"] =',
      instead: '    methods[commandName + "Buffer"] =',
    },
  ],
  // Nobody connects to a cluster.
  'ioredis/built/index.js': [
    { code: 'var cluster_1 = require("./cluster");', instead: 'var cluster_1 = {};' },
  ],
  'ioredis/built/Redis.js': [
    { code: 'const cluster_1 = require("./cluster");', instead: 'const cluster_1 = {};' },
  ],
  // Certificates of a provider, for those who name it instead of a certificate.
  'ioredis/built/utils/index.js': [
    {
      code: 'const TLSProfiles_1 = require("../constants/TLSProfiles");',
      instead: 'const TLSProfiles_1 = { default: {} };',
    },
  ],
  // Finds out what the terminal can show, for messages that are printed only if DEBUG is set.
  'ioredis/built/utils/debug.js': [
    {
      code: 'const debug_1 = require("debug");',
      instead: `
        const debug_1 =
          process.env.DEBUG === undefined ? { default: () => ({ enabled: false }) } : require("debug");`,
    },
  ],
  // Node's assert, for errors that the parser makes.
  'redis-errors/index.js': [{ code: "require('./lib/old')", instead: '{}' }],
  'redis-errors/lib/modern.js': [
    {
      code: "const assert = require('assert')",
      instead: 'const assert = Object.assign(() => {}, { strictEqual: () => {} });',
    },
  ],
  'ioredis/built/connectors/StandaloneConnector.js': [lazyTls()],
  'ioredis/built/connectors/SentinelConnector/index.js': [lazyTls()],
};

function lazyTls() {
  return {
    code: 'const tls_1 = require("tls");',
    instead: 'const tls_1 = { connect: (options) => require("tls").connect(options) };',
  };
}

/**
 * @param {string} root of the checkout
 * @returns {import('esbuild').Plugin}
 */
export function packageSavings(root) {
  return {
    name: 'package-savings',
    setup(build) {
      // V8 reads JSON sooner than an object literal.
      build.onLoad({ filter: endOfPath('@ioredis/commands/built/commands.json') }, ({ path }) => {
        const json = JSON.stringify(JSON.parse(readFileSync(path, 'utf8')));
        return { contents: `module.exports = JSON.parse(${JSON.stringify(json)});` };
      });
      for (const [file, replacements] of Object.entries(savings)) {
        // Other packages may bring versions of their own, which lie in other places.
        build.onLoad({ filter: endOfPath(file) }, ({ path }) => {
          if (path !== realpathSync(join(root, 'node_modules', file))) return null;
          return {
            contents: replacements.reduce(
              (text, each) => replaced(path, text, each),
              readFileSync(path, 'utf8'),
            ),
          };
        });
      }
    },
  };
}

/** @param {string} file */
function endOfPath(file) {
  return new RegExp(`[\\\\/]node_modules[\\\\/]${file.replaceAll('.', '\\.').replaceAll('/', '[\\\\/]')}$`);
}

/**
 * @param {string} path
 * @param {string} text
 * @param {{ code: string, instead: string }} saving
 */
function replaced(path, text, { code, instead }) {
  const [before, ...after] = text.split(code);
  if (after.length !== 1) {
    throw new Error(`${path} has changed: see what it does when it is loaded, and adapt package-savings.mjs`);
  }
  return `${before}${instead}${after[0]}`;
}
