import { stdinTests } from './stdin-tests.ts';

stdinTests();
