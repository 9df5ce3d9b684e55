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

/** The beginning of what somebody sent, quoted: it may hold anything. */
function beginning(line: string): string {
  return JSON.stringify(line.length > 40 ? `${line.slice(0, 40)}…` : line);
}

export const linkMessages = {
  // Frames.
  frameTooLong: (limitBytes: number) => `a frame is longer than ${size(limitBytes)}`,
  noJson: (line: string) => `a line is no JSON: ${beginning(line)}`,
  noFrame: (line: string) => `a line is no frame: ${beginning(line)}`,
  wrongField: (frame: string, field: string) => `a ${frame} frame has a wrong ${field}`,

  // What a server tells a client before it ends the link.
  versionsDiffer: (engine: string, engineProtocol: number, clientProtocol: number) =>
    `this runner (resque-runner ${engine}) speaks version ${engineProtocol} of the link, the client version ` +
    `${clientProtocol}: use the same release of resque-runner on both sides`,
  helloFirst: (type: string) => `the first frame has to be hello, not ${beginning(type)}`,
  helloTwice: () => 'hello was said before',
  noHello: (seconds: number) => `no hello came within ${seconds} s`,
  tooManyClients: (count: number) =>
    `this runner already has ${count} clients: close one of the others and try again`,
  snapshotTooLong: (limitBytes: number) => `the runner's state is longer than ${size(limitBytes)}`,

  // Refused commands.
  readOnly: (command: string) => `this client may only read, and ${command} changes something`,
  tooManyCommands: (count: number) => `${count} commands are not answered yet: wait for one of them`,
  replyTooLong: () => 'the answer is too long to send: ask for less at once',
  commandTooLong: (limitBytes: number) =>
    `the command is longer than ${size(limitBytes)}: choose fewer at once`,
  commandFailed: (reason: string) => `the runner could not carry it out: ${reason}`,
  linkDown: () => 'the link to the runner is down',
  noCommand: () => 'this is no command',
  unknownCommand: (type: string) => `no command is called ${beginning(type)}`,
  missingField: (command: string, field: string, shape: string) =>
    `${command} needs ${field}, which is ${shape}`,
  wrongCommandField: (command: string, field: string, shape: string) =>
    `${field} of ${command} is not ${shape}`,
  unknownField: (command: string, field: string) => `${command} takes no ${beginning(field)}`,

  // Reaching an engine.
  noEngine: (path: string) =>
    `no runner has a socket at ${path}: start one with "resque-runner CONFIG", or look for another with ` +
    '"resque-runner attach"',
  engineGone: (path: string) => `the runner with the socket ${path} has ended: start it again`,
  notAllowed: (path: string) => `${path} belongs to another user: run this as the user whose runner it is`,
  noSocket: (path: string) => `${path} is not a socket: name the one that the runner has`,
  foreignSocket: (path: string, user: string) =>
    `${path} belongs to user ${user}, and what answers there may be a trap: attach as ${user} or as root`,
  foreignDirectory: (path: string, directory: string, user: string) =>
    `user ${user} owns ${directory} and can replace ${path}: give the runner a socket in a directory of yours`,
  foreignLink: (link: string, user: string) =>
    `${link} is a link of user ${user}, who can change where it leads: name the socket itself`,
  replaceableSocket: (path: string, directory: string) =>
    `every user of this machine can replace ${path}: chmod o-w ${directory}, or chmod +t`,
  replacedSocket: (path: string) => `${path} was replaced while it was reached: try again`,
  unreachable: (path: string, reason: string) => `the runner at ${path} can't be reached: ${reason}`,
  refused: (message: string) => `the runner refused: ${message}`,
  engineVersionDiffers: (engine: string, engineProtocol: number, ownProtocol: number) =>
    `the runner is resque-runner ${engine} and speaks version ${engineProtocol} of the link, this program ` +
    `version ${ownProtocol}: use the same release of resque-runner on both sides`,
  noAnswer: (seconds: number) =>
    `the runner did not answer within ${seconds} s: see whether its process is suspended or the machine overloaded`,
  endedBeforeHello: () => 'the runner ended the link before it said hello: its log may tell why',
  noEngineThere: (reason: string) => `what answers is not a runner: ${reason}`,

  // The end of a link that worked.
  engineEnded: () => 'the runner ended the link',
  linkBroke: (reason: string) => `the link broke: ${reason}`,
  engineTalksNonsense: (reason: string) => `the runner sent something that is not a frame: ${reason}`,

  // Where the socket lies.
  pathTooLong: (path: string, limitBytes: number) =>
    `${path} is longer than the ${limitBytes} bytes that the path of a socket may have: set XDG_RUNTIME_DIR or ` +
    'TMPDIR to a shorter one',
  noDirectory: (directory: string, reason: string) =>
    `${directory} can't be made (${reason}): set XDG_RUNTIME_DIR or TMPDIR to a directory that can be written to`,
  isNoDirectory: (directory: string) =>
    `${directory} is no directory (or a link to one): remove it, or set XDG_RUNTIME_DIR or TMPDIR`,
  notOurDirectory: (directory: string) =>
    `${directory} belongs to another user: have it removed, or set XDG_RUNTIME_DIR or TMPDIR`,
  openDirectory: (directory: string, reason: string) =>
    `${directory} is open to other users and can't be closed to them (${reason}): chmod 700 it`,
  noListening: (path: string, reason: string) =>
    `no socket can be made at ${path} (${reason}): see whether its directory exists and can be written to`,
  nameTaken: (path: string) =>
    `${path} is taken by a runner, or by something that is not a socket: end it, remove it, or choose ` +
    'another path',
  notAdoptable: (fd: number, reason: string) =>
    `descriptor ${fd} is no connected socket (${reason}): the runner has to inherit one there`,
};
