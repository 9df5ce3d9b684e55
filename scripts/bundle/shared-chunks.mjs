/**
 * Merges chunks into fewer, larger ones. esbuild makes a chunk for each set of entries that share code. Every dynamic
 * import is an entry, so there are about a hundred chunks, and Node takes longer to open a small one than to compile it.
 * This merges two chunks if that makes starts cheaper. Entries that load one of the two then load the other one too.
 *
 * esbuild has no setting for this. The plugin adds imports to the entries instead, so that they share more code.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** The cost of opening a file, in bytes that Node compiles in the same time. Measured: 0.6 ms, 30 KB per millisecond. */
const fileBytes = 20_000;
/** CommonJS code runs when it is loaded, and V8 parses it twice. */
const commonJsFactor = 3;
/** A runner without a screen loads both. */
const runner = ['src/cli/run/start.ts', 'src/cli/run/headless.ts'];
/** How often a runner starts for each start of any command. Jobs wait for it after a crash. */
const runnerStarts = 5;
/** The cost of loading Node's builtin modules, in bytes. Other ones are always loaded, or small. */
const builtinBytes = new Map(
  Object.entries({
    child_process: 60_000,
    crypto: 80_000,
    net: 45_000,
    readline: 15_000,
    stream: 10_000,
    tty: 50_000,
    v8: 40_000,
  }),
);

/**
 * Builds once to find the shared code.
 *
 * @param {typeof import('esbuild')} esbuild
 * @param {import('esbuild').BuildOptions} options
 * @param {string} main the program's entry
 * @returns {Promise<import('esbuild').Plugin>}
 */
export async function mergeSharedChunks(esbuild, options, main) {
  const { metafile } = await esbuild.build({ ...options, metafile: true, write: false });
  const absolute = (/** @type {string} */ path) => resolve(options.absWorkingDir ?? '', path);
  /** @type {Map<string, string>} */
  const additions = new Map();
  for (const [entry, modules] of additionalImports(metafile, main)) {
    const imports = modules.map((module) => `import ${JSON.stringify(absolute(module))};\n`);
    additions.set(absolute(entry), imports.join(''));
  }
  return {
    name: 'merge-shared-chunks',
    setup(build) {
      build.onLoad({ filter: /\.tsx?$/ }, ({ path }) => {
        const imports = additions.get(path);
        if (imports === undefined) return null;
        return {
          contents: `${readFileSync(path, 'utf8')}\n${imports}`,
          loader: path.endsWith('x') ? 'tsx' : 'ts',
        };
      });
    },
  };
}

/**
 * @typedef {object} Chunk
 * @property {number} cost of compiling it, in bytes
 * @property {string[]} modules of ours
 * @property {number[]} imports indices of chunks
 * @property {boolean} isShared false for the file of an entry
 */

/**
 * @param {import('esbuild').Metafile} metafile
 * @param {string} main
 * @returns {Map<string, string[]>} by entry, the additional modules that it must import
 */
function additionalImports({ inputs, outputs }, main) {
  const paths = Object.keys(outputs);
  const isEsm = (/** @type {string} */ module) => inputs[module]?.format === 'esm';
  const chunks = Object.values(outputs).map((output) => ({
    cost: Object.entries(output.inputs).reduce(
      (sum, [module, { bytesInOutput }]) => sum + bytesInOutput * (isEsm(module) ? 1 : commonJsFactor),
      [...new Set(output.imports.map(({ path }) => path.replace(/^node:/, '')))].reduce(
        (sum, name) => sum + (builtinBytes.get(name) ?? 0),
        0,
      ),
    ),
    modules: Object.keys(output.inputs).filter((module) => !isOfPackage(module)),
    imports: output.imports
      .filter(({ kind, path }) => kind === 'import-statement' && path in outputs)
      .map(({ path }) => paths.indexOf(path)),
    isShared: output.entryPoint === undefined,
  }));
  const entries = Object.values(outputs).flatMap(({ entryPoint }) => entryPoint ?? []);
  const bit = (/** @type {string} */ entry) => 1n << BigInt(entries.indexOf(entry));
  const bits = (/** @type {string[]} */ some) => some.reduce((all, entry) => all | bit(entry), 0n);
  // Every start loads the code that parses the command line.
  const always = bits([main, ...loadedLater(outputs, main)]);
  // The plugin can't add imports to a package.
  const fixed = bits(entries.filter(isOfPackage));
  // What engine and monitoring load later costs nothing if a runner has loaded it at its start.
  const isOfRunner = (/** @type {string} */ entry) => /^src\/(engine|monitoring)\//.test(entry);
  const late = bits(runner.flatMap((entry) => loadedLater(outputs, entry)).filter(isOfRunner));
  const runners = bits(entries.filter((entry) => runner.includes(entry)));

  const before = chunks.map(() => 0n);
  for (const [index, { entryPoint }] of Object.values(outputs).entries()) {
    if (entryPoint !== undefined) share(before, chunks, index, bit(entryPoint));
  }
  const after = mergeWhileCheaper(before, chunks, { count: entries.length, always, fixed, late, runners });
  return new Map(
    entries.map((entry) => [
      entry,
      chunks.flatMap(({ modules }, index) =>
        ((after[index] ?? 0n) & ~(before[index] ?? 0n) & bit(entry)) === 0n ? [] : modules,
      ),
    ]),
  );
}

/**
 * @param {import('esbuild').Metafile['outputs']} outputs
 * @param {string} main
 * @returns {string[]} the entries that the files of the program's entry import dynamically
 */
function loadedLater(outputs, main) {
  /** @type {Set<string>} */
  const entries = new Set();
  /** @type {Set<string>} */
  const seen = new Set();
  const visit = (/** @type {string} */ path) => {
    if (seen.has(path)) return;
    seen.add(path);
    for (const { path: imported, kind } of outputs[path]?.imports ?? []) {
      const entry = outputs[imported]?.entryPoint;
      if (kind === 'import-statement') visit(imported);
      else if (entry !== undefined) entries.add(entry);
    }
  };
  for (const [path, { entryPoint }] of Object.entries(outputs)) if (entryPoint === main) visit(path);
  return [...entries];
}

const isOfScreen = (/** @type {string} */ module) => module.startsWith('src/ui/');
const isOfPackage = (/** @type {string} */ module) => module.includes('node_modules/');

/**
 * Tries to merge each shared chunk with each other one, smallest first, until no merge lowers the cost.
 *
 * @param {readonly bigint[]} before for each chunk, the entries that load it, one bit per entry
 * @param {readonly Chunk[]} chunks
 * @param {{ count: number, always: bigint, fixed: bigint, late: bigint, runners: bigint }} entries their number; the entries
 * that every start loads; those that can't get more imports; those that only a runner loads, after its start; the runner's
 * @returns {readonly bigint[]} like `before`, where merged chunks have the same entries
 */
function mergeWhileCheaper(before, chunks, { count, always, fixed, late, runners }) {
  const isAllowed = (/** @type {readonly bigint[]} */ users) =>
    users.every((each, index) => {
      const had = before[index] ?? 0n;
      const gained = each ^ had;
      // A runner without a screen never loads a part of it.
      if ((gained & (runners | late)) !== 0n && chunks[index]?.modules.some(isOfScreen) === true)
        return false;
      return (gained & fixed) === 0n && ((gained & late) === 0n || (had & runners) !== 0n);
    });
  /** The cost of all starts together. */
  const costOf = (/** @type {readonly bigint[]} */ users) => {
    /** @type {Map<bigint | number, number>} */
    const files = new Map();
    for (const [index, { cost, isShared }] of chunks.entries()) {
      const key = isShared ? (users[index] ?? 0n) : index;
      files.set(key, (files.get(key) ?? fileBytes) + cost);
    }
    let sum = 0;
    for (const [key, cost] of files) {
      const loadedBy = typeof key === 'bigint' ? key : (users[key] ?? 0n);
      const starts = (loadedBy & always) === 0n ? bitCount(loadedBy & ~late) : count;
      const moreStarts = (loadedBy & (always | runners)) === 0n ? 0 : runnerStarts - 1;
      sum += cost * (starts + moreStarts);
    }
    return sum;
  };

  const shared = chunks
    .flatMap(({ isShared, cost }, index) => (isShared ? [{ index, cost }] : []))
    .sort((a, b) => a.cost - b.cost)
    .map(({ index }) => index);
  let users = before;
  let cost = costOf(users);
  for (let hasMerged = true; hasMerged; ) {
    hasMerged = false;
    for (const one of shared) {
      for (const other of shared) {
        if (users[one] === users[other]) continue;
        const together = (users[one] ?? 0n) | (users[other] ?? 0n);
        const tried = [...users];
        share(tried, chunks, one, together);
        share(tried, chunks, other, together);
        const triedCost = costOf(tried);
        if (triedCost >= cost || !isAllowed(tried)) continue;
        users = tried;
        cost = triedCost;
        hasMerged = true;
      }
    }
  }
  return users;
}

/**
 * Makes these entries load a chunk, and therefore all its imports.
 *
 * @param {bigint[]} users
 * @param {readonly Chunk[]} chunks
 * @param {number} index
 * @param {bigint} entries
 */
function share(users, chunks, index, entries) {
  const known = users[index] ?? 0n;
  if ((known | entries) === known) return;
  users[index] = known | entries;
  for (const imported of chunks[index]?.imports ?? []) share(users, chunks, imported, entries);
}

/** @param {bigint} bits */
function bitCount(bits) {
  return bits.toString(2).replaceAll('0', '').length;
}
