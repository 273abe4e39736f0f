// Which servers are there, and how does a test get an account and make a call? run.sh started them.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';

const given = (name) => {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: start the tests with end2end/run.sh`);
  return value;
};

const server = (prefix) => ({
  url: given(`${prefix}BASE_URL`),
  claim: given(`${prefix}CLAIM_URL`),
  // The key that `serve --welcome` printed; it belongs to the account that the link claims.
  key: given(`${prefix}API_KEY`),
  data: given(`${prefix}DATA`),
});

// Farebox as it is delivered.
export const farebox = server('');
// The same with the languages of pseudo.mjs besides English and Russian.
export const pseudo = server('PSEUDO_');

function admin({ data }, args, input) {
  const env = { ...process.env, FAREBOX_DATA: data };
  const out = execFileSync(given('FAREBOX_BIN'), ['admin', ...args, '--json'], { env, cwd: data, input: input ?? '', encoding: 'utf8' });
  return JSON.parse(out);
}

// A new account with five dollars (or as much as is said) and a key, made with the command line while the server runs.
export function person(server, name, dollars = '5.00', flags = []) {
  const email = `${name}-${randomBytes(4).toString('hex')}@e2e.test`;
  const password = randomBytes(12).toString('hex');
  admin(server, ['account', 'create', '--email', email, '--password-stdin', ...flags], `${password}\n`);
  if (dollars) admin(server, ['credit', 'grant', '--email', email, '--amount', dollars, '--reason', 'end-to-end']);
  return { email, password, ...anotherKey(server, email, 'laptop') };
}

export const anotherKey = (server, email, name, limits = []) => admin(server, ['key', 'create', '--email', email, '--name', name, ...limits]);
export const revokeKey = (server, id) => admin(server, ['key', 'revoke', '--id', id]);

// One metered call from outside of the browser; answers what it cost, in nano-dollars.
export async function call(server, key, text, model = 'sandbox-echo') {
  const answer = await fetch(`${server.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: text }] }),
  });
  const body = await answer.json();
  if (answer.status !== 200) throw new Error(`the call answered ${answer.status}: ${JSON.stringify(body)}`);
  return { cost: BigInt(answer.headers.get('x-cost-nusd')), content: body.choices[0].message.content };
}

// A running server sees what the command line did within five seconds.
export async function seen(server, key) {
  for (let tries = 0; tries < 60; tries += 1) {
    const answer = await fetch(`${server.url}/v1/models`, { headers: { authorization: `Bearer ${key}` } });
    if (answer.ok) return;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error('a key made with the command line does not work after six seconds');
}
