/**
 * Reads the bundler's account of what it put where, to say what a process loads: all that the entry imports at
 * its start, and what each part of the program that is loaded later brings with it.
 */

/** The part of esbuild's metafile that is read here. */
export interface Metafile {
  readonly outputs: Readonly<Record<string, BundledFile>>;
}

interface BundledFile {
  /** The source that the file was made for; chunks of shared code have none. */
  readonly entryPoint?: string;
  /** By path of the source. */
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly imports: readonly { readonly path: string; readonly kind: string; readonly external?: boolean }[];
}

type ImportKind = 'at start' | 'ever';

/** Sources and packages that are loaded with a file: those that it imports at its start, or may ever import. */
export function loadedWith(metafile: Metafile, file: string, kind: ImportKind): string[] {
  return filesLoadedWith(metafile, file, kind).flatMap((path) =>
    Object.keys(metafile.outputs[path]?.inputs ?? {}),
  );
}

/** The same as files of the bundle. */
export function filesLoadedWith(metafile: Metafile, file: string, kind: ImportKind): string[] {
  const seen = new Set<string>();
  const visit = (path: string) => {
    const bundled = metafile.outputs[path];
    if (bundled === undefined || seen.has(path)) return;
    seen.add(path);
    for (const { path: next, kind: how, external } of bundled.imports) {
      if (external !== true && (kind === 'ever' || how !== 'dynamic-import')) visit(next);
    }
  };
  visit(file);
  return [...seen];
}

const isOfUi = (input: string) =>
  /(^|\/)node_modules\/(react|react-reconciler|ink|yoga-layout)\/|^src\/ui\//.test(input);
/** The rest of that room can be of use elsewhere: `demo` looks for programs on PATH as the engine does. */
const isOfEngine = (input: string) => input === 'src/engine/engine.ts';

/**
 * What breaks the promise that a process without the UI never loads it: the program's entry may not load any of
 * it at its start, and a part that loads the engine may not load it ever.
 */
export function uiInHeadlessProcesses(metafile: Metafile): string[] {
  const found: string[] = [];
  for (const [file, { entryPoint }] of Object.entries(metafile.outputs)) {
    if (entryPoint === undefined) continue;
    const atStart = loadedWith(metafile, file, 'at start');
    const isMain = entryPoint === 'src/cli/main.ts';
    if (!isMain && !atStart.some(isOfEngine)) continue;
    const loaded = isMain ? atStart : loadedWith(metafile, file, 'ever');
    const ui = loaded.find(isOfUi);
    if (ui !== undefined) found.push(`${entryPoint} loads ${ui}`);
  }
  return found;
}
