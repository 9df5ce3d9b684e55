/**
 * The user interface in the tests' own process: its real components, store and controller, linked to a real engine
 * with real jobs. Keys go in as a terminal's bytes, and the tests look at what a terminal would show.
 *
 * What only a terminal of its own can show (signals, suspending, the way back to the shell) needs `stage.ts`.
 */
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, vi } from 'vitest';
import { linkServer } from '../../../src/cli/run/engine-link.ts';
import { openSession } from '../../../src/cli/run/link-session.ts';
import type { Config } from '../../../src/config/config.ts';
import { parseConfig } from '../../../src/config/files/parse-config.ts';
import { Engine, type LoadedConfig } from '../../../src/engine/engine.ts';
import { LinkClient } from '../../../src/link/client/client.ts';
import type { LinkServer } from '../../../src/link/server/server.ts';
import { runnerName } from '../../../src/messages/runners.ts';
import { Health } from '../../../src/monitoring/health/health.ts';
import type { UiEnd } from '../../../src/ui/actions/action-context.ts';
import { type FrameOutput, FrameSink } from '../../../src/ui/terminal/frame-sink.ts';
import { enterSequence } from '../../../src/ui/terminal/screen-guard.ts';
import { type UiOptions, UserInterface } from '../../../src/ui/user-interface.tsx';
import { markVariable } from '../../helpers/processes.ts';
import { type RedisOptions, useRedis } from '../../helpers/redis.ts';
import { bytesOf } from '../../helpers/terminal-keys.ts';
import { type ScreenSize, TerminalScreen, unmistakableEscape } from '../../helpers/terminal-screen.ts';
import { type ConfigObject, Workbench } from '../../helpers/workbench.ts';

export interface OpenOptions extends ScreenSize {
  /** Text that shows that the screen is there. */
  readonly awaits?: string;
  /** False if Redis can't be reached at first. */
  readonly awaitRedis?: boolean;
  /** Of the engine: it stops by itself when every queue is empty. */
  readonly drain?: boolean;
}

/** One screen, its terminal and its keyboard. */
export class Screen extends TerminalScreen {
  /** How its user left it, or what ended it. */
  readonly ended: Promise<UiEnd>;
  hasEnded = false;
  /** Texts that were shown in the pager. */
  readonly paged: string[] = [];
  readonly #stdin = new PassThrough();
  readonly #onResize = new Set<() => void>();
  readonly #ui: UserInterface;
  #hasMouse = true;

  constructor(size: ScreenSize, options: UiOptions) {
    super(size);
    const sink = new FrameSink(this.#output());
    this.#ui = new UserInterface(options, {
      stdin: this.#stdin as unknown as NodeJS.ReadStream,
      sink,
      hasColors: true,
      hasTitle: true,
      suspend: () => {
        throw new Error('only a terminal of its own can be suspended');
      },
      page: (text) => {
        this.paged.push(Buffer.concat(text).toString());
        return Promise.resolve(null);
      },
      toggleMouse: () => {
        this.#hasMouse = !this.#hasMouse;
        return this.#hasMouse;
      },
    });
    this.xterm.onData((answer) => this.send(answer));
    this.take(enterSequence);
    sink.open();
    this.ended = this.#ui.run().finally(() => {
      this.hasEnded = true;
      sink.dispose();
    });
  }

  send(bytes: string): void {
    this.#stdin.write(bytes);
  }

  press(...keys: string[]): Promise<void> {
    for (const key of keys) this.send(key === 'escape' ? unmistakableEscape : bytesOf(key));
    return Promise.resolve();
  }

  resize(columns: number, rows: number): void {
    this.xterm.resize(columns, rows);
    for (const listener of this.#onResize) listener();
  }

  async close(): Promise<void> {
    this.#ui.end({ kind: 'detached' });
    await this.ended;
    this.xterm.dispose();
  }

  #output(): FrameOutput {
    const { xterm } = this;
    return {
      get columns() {
        return xterm.cols;
      },
      get rows() {
        return xterm.rows;
      },
      onResize: (listener) => {
        this.#onResize.add(listener);
        return () => this.#onResize.delete(listener);
      },
      write: (text, onDone) => this.take(text, onDone),
    };
  }
}

/** An engine, reachable through a socket. */
class LinkedEngine {
  readonly engine: Engine;
  readonly path: string;
  readonly #server: LinkServer;
  readonly #health: Health;

  private constructor(engine: Engine, server: LinkServer, health: Health, path: string) {
    this.engine = engine;
    this.#server = server;
    this.#health = health;
    this.path = path;
  }

  static async start(
    config: Config,
    { drain = false, awaitRedis = true }: OpenOptions,
    stage: Workbench,
    readConfig: () => LoadedConfig,
  ): Promise<LinkedEngine> {
    const { redis } = config;
    if (redis.kind === 'embedded') throw new Error('tests bring their own Redis');
    const spoolDirectory = stage.path('state');
    const engine = new Engine({ config, redis, version: '0.0.0', drain, spoolDirectory, readConfig });
    const health = new Health(engine);
    const about = { config, configFile: '/srv/app/cfg.json', version: '0.0.0' };
    const server = linkServer(engine, health, about);
    const path = stage.path('1.sock');
    await server.listen(path);
    const connected = new Promise<void>((resolve) => {
      engine.subscribe(({ type }) => {
        if (type === 'redis.up') resolve();
      });
    });
    engine.start();
    if (awaitRedis) await connected;
    return new LinkedEngine(engine, server, health, path);
  }

  async stop(): Promise<void> {
    this.engine.stop('kill');
    await this.engine.stopped;
    await this.#server.close();
    this.#health.close();
  }
}

export class InProcessUi {
  readonly stage: Workbench;
  /** Of the screens that it opens. */
  readonly userName = 'ann@pts/7';
  /** What the engine gets when it reads its config again. */
  nextConfig: ConfigObject | null = null;
  #engine: LinkedEngine | null = null;
  #screens: { screen: Screen; client: LinkClient }[] = [];

  constructor(stage: Workbench) {
    this.stage = stage;
  }

  /** A screen with its own engine, as `resque-runner CONFIG` opens it. */
  async start(config: ConfigObject, options: OpenOptions = {}): Promise<Screen> {
    await this.#engine?.stop();
    this.nextConfig = null;
    this.#engine = await LinkedEngine.start(this.#read(config), options, this.stage, () => ({
      ok: true,
      config: this.#read(this.nextConfig ?? config),
    }));
    return await this.#open(true, options);
  }

  /** Another screen on the same engine, as `resque-runner attach` opens it. */
  async attach(options: OpenOptions = {}): Promise<Screen> {
    return await this.#open(false, options);
  }

  /** As a signal does. */
  stopEngine(mode: 'quit' | 'terminate' | 'kill'): void {
    this.#engine?.engine.stop(mode);
  }

  async end(hasFailed: boolean): Promise<void> {
    for (const { screen, client } of this.#screens.splice(0)) {
      if (hasFailed) console.error(screen.describe());
      await screen.close();
      await client.close();
    }
    await this.#engine?.stop();
    this.#engine = null;
    if (!hasFailed) await this.stage.checkNothingLeft();
  }

  async #open(
    isOwner: boolean,
    { awaits = '1 Queues', columns = 120, rows = 36 }: OpenOptions,
  ): Promise<Screen> {
    const path = this.#engine?.path ?? '';
    const who = { name: this.userName, isReadOnly: false };
    const { client, store, lost } = await openSession((events) => LinkClient.connect(path, who, events));
    const options: UiOptions = {
      ...{ isReadOnly: false, runnerUser: null, isOwner, canLeaveRunning: true, isQuiet: false },
      runnerName: runnerName(client.hello),
      store,
      lost: isOwner ? lost : null,
      send: (command) => client.send(command),
      watch: (jobId, onBatch) => client.watch(jobId, onBatch),
    };
    const screen = new Screen({ columns, rows }, options);
    this.#screens.push({ screen, client });
    await screen.waitForText(awaits);
    return screen;
  }

  /** Jobs end fast when the engine stops, and can be found by the test's mark. */
  #read(config: ConfigObject): Config {
    const settings = { shutdownTimeout: 0.1, killAfter: 0.2, ...this.stage.config(config) };
    const result = parseConfig(JSON.stringify(settings), { file: this.stage.path('cfg.json') });
    if (!result.ok) throw new Error(result.problems.join('\n'));
    const marks = { [markVariable]: this.stage.mark, TMPDIR: this.stage.path('tmp') };
    const runners = result.config.runners.map((pool) => ({ ...pool, env: { ...pool.env, ...marks } }));
    return { ...result.config, runners };
  }
}

/** Call it once at the top of a test file. */
export function useInProcessUi(options: { redis?: RedisOptions; timeoutMs?: number } = {}): InProcessUi {
  const timeoutMs = options.timeoutMs ?? 30_000;
  vi.setConfig({ testTimeout: timeoutMs, hookTimeout: timeoutMs });
  const stage = new Workbench(useRedis(options.redis), 'resque:');
  const ui = new InProcessUi(stage);
  beforeEach(() => stage.begin());
  afterEach(async ({ task }) => {
    try {
      await ui.end(task.result?.state === 'fail');
    } finally {
      stage.killWhatIsLeft();
      stage.removeDirectory();
    }
  });
  return ui;
}
