/**
 * Removes work that packages do when they are loaded, or for each frame of the screen, but that the program rarely needs.
 * Each saving replaces a line of a package. If a line is missing, the build fails: check what the new version of the
 * package does there.
 */
import { readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';

/** @type {Readonly<Record<string, readonly { code: string, instead: string }[]>>} */
const savings = {
  // meow contains all its dependencies in one file, and prepares to normalize a package.json (licenses, host URLs,
  // versions). The program passes the package's name, so meow never needs that.
  'meow/build/dependencies.js': [
    { code: 'var normalizeExports = requireNormalize();', instead: 'var normalizeExports = () => {};' },
    // Reports errors in a package.json.
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
  // Sets of all emoji sequences, and the segmenter for characters. Texts rarely need either.
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
        // All emoji sequences contain at least one of these.
        const emojiPart = /[\\p{Emoji_Presentation}\\p{Extended_Pictographic}\\p{Regional_Indicator}\\u20E3]/u;
        let rgiEmoji;
        const rgiEmojiRegex = {
          test: (text) => emojiPart.test(text) && (rgiEmoji ??= new RegExp('^\\\\p{RGI_Emoji}$', 'v')).test(text),
        };`,
    },
  ],
  // Ink splits every row of every frame into styled characters and joins them again. Most rows are as in the frame before,
  // so only the others are made anew. Measured with 1,000 queues: 6.4 % of a core instead of 18 %.
  'ink/build/output.js': [
    {
      code: 'export default class Output {',
      instead: `
        /** The rows of the last frame, by what was written to them. */
        let lastRows = new Map();
        export default class Output {`,
    },
    {
      code: `
            const row = [];
            for (let x = 0; x < this.width; x++) {
                row.push({
                    type: 'char',
                    value: ' ',
                    fullWidth: false,
                    styles: [],
                });
            }
            output.push(row);`,
      instead: 'output.push([]);',
    },
    {
      code: `
                    const characters = this.caches.getStyledChars(line);
                    let offsetX = x;`,
      instead: `
                    currentLine.push([x, line]);
                    offsetY++;
                }
            }
        }
        const rows = new Map();
        const rowOf = (writes) => {
            const key = this.width + JSON.stringify(writes);
            let row = rows.get(key) ?? lastRows.get(key);
            if (row === undefined) {
                const currentLine = Array.from({ length: this.width }, () => (
                    { type: 'char', value: ' ', fullWidth: false, styles: [] }));
                for (const [x, line] of writes) {
                    const characters = this.caches.getStyledChars(line);
                    let offsetX = x;`,
    },
    {
      code: `
                        offsetX += characterWidth;
                    }
                    offsetY++;
                }
            }
        }
        const generatedOutput = output
            .map(line => {`,
      instead: `
                        offsetX += characterWidth;
                    }
                }
                row = styledRow(currentLine);
            }
            rows.set(key, row);
            return row;
        };
        const styledRow = (line) => {`,
    },
    {
      code: `
            return styledCharsToString(lineWithoutEmptyItems).trimEnd();
        })
            .join('\\n');`,
      instead: `
            return styledCharsToString(lineWithoutEmptyItems).trimEnd();
        };
        const generatedOutput = output.map(rowOf).join('\\n');
        lastRows = rows;`,
    },
  ],
  // V8 copies a prototype's list of properties for each new property, so 600 methods took 12 ms. A plain object soon
  // becomes a hash table. Measured: 0.4 ms.
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
  // The program never connects to a cluster.
  'ioredis/built/index.js': [
    { code: 'var cluster_1 = require("./cluster");', instead: 'var cluster_1 = {};' },
  ],
  'ioredis/built/Redis.js': [
    { code: 'const cluster_1 = require("./cluster");', instead: 'const cluster_1 = {};' },
  ],
  // Certificates of hosting providers, selected by name.
  'ioredis/built/utils/index.js': [
    {
      code: 'const TLSProfiles_1 = require("../constants/TLSProfiles");',
      instead: 'const TLSProfiles_1 = { default: {} };',
    },
  ],
  // Detects the colors of the terminal, for messages that are printed only if DEBUG is set.
  'ioredis/built/utils/debug.js': [
    {
      code: 'const debug_1 = require("debug");',
      instead: `
        const debug_1 =
          process.env.DEBUG === undefined ? { default: () => ({ enabled: false }) } : require("debug");`,
    },
  ],
  // Node's assert, for errors of the parser.
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
      // V8 parses JSON faster than an object literal.
      build.onLoad({ filter: endOfPath('@ioredis/commands/built/commands.json') }, ({ path }) => {
        const json = JSON.stringify(withoutUnused(JSON.parse(readFileSync(path, 'utf8'))));
        return { contents: `module.exports = JSON.parse(${JSON.stringify(json)});` };
      });
      for (const file of Object.keys(savings)) {
        build.onLoad({ filter: endOfPath(file) }, ({ path }) => {
          const contents = savedText(root, path, readFileSync(path, 'utf8'));
          return contents === null ? null : { contents };
        });
      }
    },
  };
}

/**
 * @param {string} root of the checkout
 * @param {string} path of a module
 * @param {string} text its contents
 * @returns {string | null} the contents with the savings; `null` if there are none for it
 */
export function savedText(root, path, text) {
  for (const [file, replacements] of Object.entries(savings)) {
    // Other packages may contain their own versions in other directories. Leave those unchanged.
    if (!path.endsWith(file) || path !== realpathSync(join(root, 'node_modules', file))) continue;
    return replacements.reduce((saved, each) => replaced(path, saved, each), text);
  }
  return null;
}

/**
 * Of each Redis command, keeps what ioredis reads: two flags, and the positions of its keys. More than half of the text is
 * subcommands and other flags.
 *
 * @param {Readonly<Record<string, { flags: string[], keyStart: number, keyStop: number, step: number }>>} commands
 */
function withoutUnused(commands) {
  return Object.fromEntries(
    Object.entries(commands).map(([name, { flags, keyStart, keyStop, step }]) => {
      const readFlags = flags.filter((flag) => ['readonly', 'loading'].includes(flag));
      return [name, { flags: readFlags, keyStart, keyStop, step }];
    }),
  );
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
    throw new Error(
      `${path} has changed: check what it does when it is loaded, and update package-savings.mjs`,
    );
  }
  return `${before}${instead}${after[0]}`;
}
