/** All texts of the link for people. Each states the problem, then the fix if there is one. */

/** A link that can't be opened, for a reason outside the program. The message is for people, the code for programs. */
export class LinkError extends Error {
  override readonly name = 'LinkError';
  readonly code: LinkErrorCode;

  constructor(code: LinkErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * `absent`: nothing listens there; `refused`: an engine rejects the link; `version`: the engine is of another release;
 * `timeout`: it doesn't answer; `broken`: the link ended, or the other side isn't an engine; `unusable`: a path, directory
 * or descriptor can't be used.
 */
export type LinkErrorCode = 'absent' | 'refused' | 'version' | 'timeout' | 'broken' | 'unusable';

const mebibyte = 1024 * 1024;

function size(bytes: number): string {
  return bytes >= mebibyte ? `${Math.floor(bytes / mebibyte)} MiB` : `${Math.floor(bytes / 1024)} KiB`;
}

/** The beginning of a received text, quoted, because it may contain anything. */
function beginning(line: string): string {
  return JSON.stringify(line.length > 40 ? `${line.slice(0, 40)}…` : line);
}

export const linkMessages = {
  // Frames.
  frameTooLong: (limitBytes: number) => `a frame is longer than ${size(limitBytes)}`,
  noJson: (line: string) => `a line is not JSON: ${beginning(line)}`,
  noFrame: (line: string) => `a line is not a frame: ${beginning(line)}`,
  unknownFrame: (type: string) => `there is no frame ${beginning(type)}`,
  wrongField: (frame: string, field: string) => `a ${frame} frame has a wrong ${field}`,

  // What a server tells a client before it ends the link.
  versionsDiffer: (engine: string, engineProtocol: number, clientProtocol: number) =>
    `the runner is resque-runner ${engine} with link protocol ${engineProtocol}, the client uses protocol ` +
    `${clientProtocol}: use the same release of resque-runner on both sides`,
  helloFirst: (type: string) => `the first frame must be hello, not ${beginning(type)}`,
  helloTwice: () => 'hello must be sent only once',
  noHello: (seconds: number) => `the client sent no hello within ${seconds} s`,
  tooManyClients: (count: number) =>
    `this runner already has ${count} clients: close one of them and try again`,
  snapshotTooLong: (limitBytes: number) => `the runner's state is longer than ${size(limitBytes)}`,

  // Refused commands.
  readOnly: (command: string) => `this client is read-only and can't use ${command}`,
  tooManyCommands: (count: number) => `${count} commands are waiting for a reply: wait for one of them`,
  replyTooLong: () => 'the reply is too long to send: ask for less at once',
  commandTooLong: (limitBytes: number) =>
    `the command is longer than ${size(limitBytes)}: choose fewer at once`,
  commandFailed: (reason: string) => `the runner couldn't carry out the command: ${reason}`,
  linkDown: () => 'the link to the runner is down',
  noCommand: () => 'this is not a command',
  unknownCommand: (type: string) => `unknown command ${beginning(type)}`,
  missingField: (command: string, field: string) => `${command} needs ${field}`,
  wrongCommandField: (command: string, field: string, shape: string) =>
    `${field} of ${command} must be ${shape}`,
  unknownField: (command: string, field: string) => `${command} has no field ${beginning(field)}`,

  // Reaching an engine.
  noEngine: (path: string) =>
    `no runner has a socket at ${path}: start one with "resque-runner CONFIG", or find another with ` +
    '"resque-runner attach"',
  engineGone: (path: string) => `the runner with the socket ${path} has ended: start it again`,
  notAllowed: (path: string) => `${path} belongs to another user: run this command as the user of the runner`,
  noSocket: (path: string) => `${path} is not a socket: give the path of the runner's socket`,
  foreignSocket: (path: string, user: string) =>
    `${path} belongs to user ${user}, so it can't be trusted: attach as ${user} or as root`,
  foreignDirectory: (path: string, directory: string, user: string) =>
    `user ${user} owns ${directory} and can replace ${path}: give the runner a socket in a directory of yours`,
  foreignLink: (link: string, user: string) =>
    `${link} is a link of user ${user}, who can change where it leads: give the path of the socket itself`,
  replaceableSocket: (path: string, directory: string) =>
    `every user of this machine can replace ${path}: chmod o-w ${directory}, or chmod +t`,
  replacedSocket: (path: string) => `${path} was replaced during the connection: try again`,
  unreachable: (path: string, reason: string) => `the runner at ${path} can't be reached: ${reason}`,
  refused: (message: string) => `the runner refused: ${message}`,
  engineVersionDiffers: (engine: string, engineProtocol: number, ownProtocol: number) =>
    `the runner is resque-runner ${engine} with link protocol ${engineProtocol}, this program uses protocol ` +
    `${ownProtocol}: use the same release of resque-runner on both sides`,
  noAnswer: (seconds: number) =>
    `the runner did not answer within ${seconds} s: check whether its process is suspended or the machine is overloaded`,
  endedBeforeHello: () => 'the runner ended the link before it said hello: its log may say why',
  noEngineThere: (reason: string) => `the program at this socket is not a runner: ${reason}`,

  // The end of a link that worked.
  engineEnded: () => 'the runner ended the link',
  linkBroke: (reason: string) => `the link broke: ${reason}`,
  engineTalksNonsense: (reason: string) => `the runner sent something that is not a frame: ${reason}`,

  // The socket's path.
  pathTooLong: (path: string, limitBytes: number) =>
    `${path} is longer than ${limitBytes} bytes, the limit for the path of a socket: set XDG_RUNTIME_DIR or ` +
    'TMPDIR to a shorter path',
  noDirectory: (directory: string, reason: string) =>
    `${directory} can't be created (${reason}): set XDG_RUNTIME_DIR or TMPDIR to a writable directory`,
  isNoDirectory: (directory: string) =>
    `${directory} is a link or not a directory: remove it, or set XDG_RUNTIME_DIR or TMPDIR`,
  notOurDirectory: (directory: string) =>
    `${directory} belongs to another user: ask them to remove it, or set XDG_RUNTIME_DIR or TMPDIR`,
  openDirectory: (directory: string, reason: string) =>
    `${directory} is open to other users and can't be closed to them (${reason}): chmod 700 it`,
  noListening: (path: string, reason: string) =>
    `can't create a socket at ${path} (${reason}): check whether its directory exists and is writable`,
  nameTaken: (path: string) =>
    `${path} is in use by a runner, or is not a socket: stop that runner, remove the file, or choose another path`,
  notAdoptable: (fd: number, reason: string) =>
    `descriptor ${fd} is not a connected socket (${reason}): the runner must inherit one there`,
};
