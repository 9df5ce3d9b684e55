import { environmentTests } from './environment-tests.ts';

environmentTests();
