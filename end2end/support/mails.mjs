// What was mailed to somebody? Read from the outbox page, as a newcomer without a mail server does.

// The newest mail to an address that holds a link to `path` (`/verify/`, `/reset/`…): its text and the link.
export async function mailed(server, address, path) {
  for (let tries = 0; tries < 50; tries += 1) {
    const html = await (await fetch(`${server.url}/outbox`, { headers: { accept: 'text/html' } })).text();
    for (const mail of html.split('<details').slice(1)) {
      if (!mail.includes(address)) continue;
      const link = mail.match(new RegExp(`href="(${path}[^"]*)"`));
      if (link) return { text: mail.replace(/<[^>]*>/g, ' '), link: link[1] };
    }
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error(`no mail to ${address} with a link to ${path} in the outbox`);
}
