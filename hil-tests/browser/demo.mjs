// A demo for the browser tests: started on free ports with data of its own, or the one that is running already.

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const START_MS = 90_000;
const STOP_MS = 20_000;
const repository = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/** The folder that cargo builds into. */
export const target = path.resolve(repository, process.env.CARGO_TARGET_DIR ?? 'target');

const read = (file) => JSON.parse(fs.readFileSync(file, 'utf8'));
const sleep = (ms) => new Promise((wake) => setTimeout(wake, ms));

/** Gives what the demo's ready file says, and a function that stops what was started. */
export async function demo() {
  if (process.env.DEMO_READY) return { ready: read(process.env.DEMO_READY), stop: async () => {} };
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'demo-'));
  const file = path.join(folder, 'ready.json');
  const any = ['--counter-port', '0', '--hq-port', '0', '--phones-port', '0', '--switch-port', '0',
    '--desk-port', '0', '--sip-port', '0'];
  const args = ['--data', path.join(folder, 'data'), '--orders', '40', '--ready-file', file, ...any];
  const child = spawn(path.join(target, 'debug', 'demo'), args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = new Promise((tell) => child.once('exit', tell));
  const end = Date.now() + START_MS;
  while (!fs.existsSync(file) || fs.statSync(file).size === 0) {
    if (child.exitCode !== null) throw new Error(`the demo ended with ${child.exitCode}`);
    if (Date.now() > end) throw new Error('the demo did not start in time');
    await sleep(100);
  }
  const stop = async () => {
    child.kill('SIGINT');
    await Promise.race([ended, sleep(STOP_MS)]);
    if (child.exitCode === null) child.kill('SIGKILL');
    fs.rmSync(folder, { recursive: true, force: true });
  };
  return { ready: read(file), stop };
}
