#!/usr/bin/env python3
"""mail_py.py   does mail arrive: once, in the right language, with a link that works?

Starts a `farebox serve` of its own with an empty data folder, and a real SMTP server (aiosmtpd) on loopback that wants
STARTTLS and a password, with a certificate of a little authority that `openssl` makes here. People sign up over HTTP.
env: FAREBOX_BIN"""
import atexit, email, email.policy, html.parser, logging, re, secrets, shutil, signal, socket, ssl, subprocess, tempfile
from pathlib import Path
from types import SimpleNamespace

import httpx
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
import fareboxcli as fb
from kitlib import done, eq, os, t, time

# aiosmtpd tells itself that a part of it is old.
logging.getLogger("mail.log").setLevel(logging.ERROR)
work = Path(tempfile.mkdtemp(prefix="farebox-mail."))
USER, PASSWORD = "farebox", secrets.token_urlsafe(12)
FROM = "no-reply@kit.test"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as held:
        return held.getsockname()[1]


def certificates():
    """An authority, and a certificate of it for `localhost`."""
    def openssl(*arguments): subprocess.run(["openssl", *arguments], cwd=work, check=True, capture_output=True)
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl("req", "-x509", *new_key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=Kit authority")
    openssl("req", *new_key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost")
    (work / "names").write_text("subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "server.pem", "-days", "2", "-extfile", "names")


class Mailbox:
    """What arrives, parsed; refuses whom a test names."""
    def __init__(self): self.mails, self.refused, self.tries = [], {}, []

    async def handle_RCPT(self, server, session, envelope, address, options):
        self.tries.append(address)
        if address in self.refused: return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        assert session.ssl and session.authenticated, "neither encrypted nor signed in"
        parsed = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.mails.append(SimpleNamespace(at=time.monotonic(), to=envelope.rcpt_tos, sender=envelope.mail_from, mail=parsed))
        return "250 OK"

    def to(self, address): return [m for m in self.mails if m.to == [address]]


def authenticator(server, session, envelope, mechanism, data):
    right = (data.login.decode(), data.password.decode()) == (USER, PASSWORD)
    return AuthResult(success=right, handled=True)


certificates()
mailbox = Mailbox()
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(work / "server.pem", work / "server.key")
smtp_port, port = free_port(), free_port()
BASE = "http://127.0.0.1:%d" % port
controller = Controller(mailbox, hostname="127.0.0.1", port=smtp_port, tls_context=context, require_starttls=True, auth_required=True, authenticator=authenticator)
(work / "password").write_text(PASSWORD + "\n"); (work / "password").chmod(0o600)
(work / "farebox.toml").write_text("""
[brand]
name = "Kit & Söhne"
support = "help@kit.test"
[mail]
host = "localhost"
port = %d
user = "%s"
password_file = "%s/password"
from = "%s"
ca_file = "%s/ca.pem"
""" % (smtp_port, USER, work, FROM, work))
env = {k: v for k, v in os.environ.items() if not k.startswith("FAREBOX_") and k != "DATABASE_URL"}
env |= {"FAREBOX_DATA": str(work / "data"), "FAREBOX_LISTEN": "127.0.0.1:%d" % port, "FAREBOX_DRAIN_SECONDS": "5"}
log = open(work / "farebox.log", "w")


@atexit.register
def _():
    """However it ends: nothing of it stays."""
    if server.poll() is None: server.kill(); server.wait()
    if controller.loop.is_running(): controller.stop()
    shutil.rmtree(work, ignore_errors=True)


server = subprocess.Popen([fb.BIN, "serve"], cwd=work, env=env, stdout=log, stderr=log)


class Hidden(html.parser.HTMLParser):
    """The form of a page: where it goes, and what it carries unseen."""
    def __init__(self, text): super().__init__(); self.action, self.fields = None, {}; self.feed(text)
    def handle_starttag(self, tag, attributes):
        a = dict(attributes)
        if tag == "form" and (a.get("action") or "").startswith("/api/") and "prefs" not in a["action"] and self.action is None: self.action = a["action"]; self.fields = {}
        if tag == "input" and a.get("type") == "hidden" and self.action: self.fields.setdefault(a["name"], a.get("value", ""))


def browser(language="en"):
    return httpx.Client(base_url=BASE, trust_env=False, timeout=30, headers={"accept-language": language, "accept": "text/html"})


def post(client, path, fields):
    return client.post(path, data=fields, headers={"sec-fetch-site": "same-origin"})


def sign_up(address, language="en"):
    """What somebody does who types the form; how long ago that was is measured from here."""
    answer = post(browser(language), "/api/sign_up", {"name": "Ada", "email": address, "password": "violet tractor over %d hills" % secrets.randbelow(10**6), "terms": "true", "consent": "true"})
    eq((answer.status_code, answer.headers.get("location", "").endswith("/check-mail")), (303, True), answer.text[:200])
    return time.monotonic()


def arrived(address, count=1, seconds=10):
    fb.eventually(lambda: len(mailbox.to(address)) >= count, seconds)
    eq(len(mailbox.to(address)), count, "mails to " + address)
    return mailbox.to(address)[-1]


def bodies(mail):
    """Plain text and HTML, decoded."""
    eq(mail.get_content_type(), "multipart/alternative")
    eq([part.get_content_type() for part in mail.iter_parts()], ["text/plain", "text/html"])
    return [part.get_content() for part in mail.iter_parts()]


def link_in(text, path):
    found = [line for line in text.splitlines() if re.fullmatch(r"http\S+", line)]
    links = [link for link in found if link.startswith(BASE + path)]
    eq(len(links), 1, "links to %s in %r" % (path, found))
    return links[0]


def cli(*arguments):
    """A command on this server's data."""
    finished = subprocess.run([fb.BIN, *arguments], cwd=work, env=env, capture_output=True, text=True, timeout=60)
    assert finished.returncode == 0, finished.stderr[-400:]
    return finished.stdout


def ready():
    try: return httpx.get(BASE + "/readyz", trust_env=False, timeout=2).status_code == 200
    except httpx.HTTPError: return False


assert fb.eventually(ready, 30), "farebox serve is not ready: " + (work / "farebox.log").read_text()[-2000:]


@t("away_then_once")
def _():
    """The mail server is not there when somebody signs up: the mail waits, and arrives once."""
    sign_up("early@kit.test", "ru")
    time.sleep(2)
    eq(mailbox.mails, [])
    controller.start()
    arrived("early@kit.test", seconds=40)


@t("russian_for_russians")
def _():
    mail = mailbox.to("early@kit.test")[0].mail
    text, markup = bodies(mail)
    assert re.search("[а-яё]", mail["subject"]) and "Kit & Söhne" in mail["subject"], mail["subject"]
    eq(len(re.findall(r"\b(you|your|the)\b", text)), 0, "English words in " + text)
    assert '<html lang="ru" dir="ltr">' in markup
    (sender,) = mail["from"].addresses
    eq((sender.display_name, sender.addr_spec, mail["to"]), ("Kit & Söhne", FROM, "early@kit.test"))
    assert re.fullmatch(r"<mail_[0-9a-f]{32}@\[127\.0\.0\.1\]>", mail["message-id"]), mail["message-id"]
    eq(mail["auto-submitted"], "auto-generated")
    assert mail["date"].datetime.timestamp() <= time.time()


@t("at_once_and_only_once")
def _():
    began = sign_up("grace@kit.test")
    mail = arrived("grace@kit.test")
    assert mail.at - began < 1.0, "it took %.2f s" % (mail.at - began)
    assert "Confirm" in mail.mail["subject"], mail.mail["subject"]
    time.sleep(3)
    arrived("grace@kit.test")


@t("the_link_works")
def _():
    text, markup = bodies(mailbox.to("grace@kit.test")[0].mail)
    link = link_in(text, "/verify/")
    assert 'href="%s"' % link in markup
    client = browser()
    # A scanner opens it first; that uses nothing up.
    for _ in range(2): page = client.get(link.removeprefix(BASE)); eq(page.status_code, 200)
    form = Hidden(page.text)
    eq(form.action, "/api/verify")
    eq(post(client, form.action, form.fields).status_code, 303)
    account = [a for a in fb.objects(cli("admin", "account", "list", "--json")) if a["email"] == "grace@kit.test"][0]
    eq(account["verified"], True)
    eq(client.get(link.removeprefix(BASE)).status_code, 410, "the link, used")


@t("nothing_is_fetched")
def _():
    for arrived in mailbox.mails:
        markup = bodies(arrived.mail)[1]
        for mark in ("<img", "<script", "<link", "src=", "url(", "@import"): assert mark not in markup, mark
        eq([u for u in re.findall(r"https?://[^\s\"<]+", markup) if not u.startswith(BASE)], [])


@t("a_known_address_is_told")
def _():
    sign_up("grace@kit.test")
    mail = arrived("grace@kit.test", 2).mail
    assert "already" in mail["subject"], mail["subject"]


@t("refused_for_good")
def _():
    mailbox.refused["nobody@kit.test"] = "550 no such user"
    sign_up("nobody@kit.test")
    fb.eventually(lambda: "nobody@kit.test" in mailbox.tries, 5)
    time.sleep(6)
    eq(mailbox.tries.count("nobody@kit.test"), 1, "tries")
    # And the next mail is not held up by it.
    sign_up("next@kit.test")
    arrived("next@kit.test")


@t("refused_for_now")
def _():
    mailbox.refused["busy@kit.test"] = "451 try again later"
    sign_up("busy@kit.test")
    assert fb.eventually(lambda: mailbox.tries.count("busy@kit.test") == 2, 15), mailbox.tries
    del mailbox.refused["busy@kit.test"]
    arrived("busy@kit.test", seconds=20)


@t("figures")
def _():
    text = httpx.get(BASE + "/metrics", trust_env=False).text
    found = dict(re.findall(r'farebox_mails_total\{outcome="(\w+)"\} (\d+)', text))
    eq((int(found["sent"]), int(found["failed"])), (len(mailbox.mails), 1))
    assert int(found["postponed"]) >= 3, found


@t("stops_and_keeps_quiet")
def _():
    server.send_signal(signal.SIGTERM)
    eq(server.wait(15), 0)
    said = (work / "farebox.log").read_text()
    for secret in (PASSWORD, "@kit.test", "/verify/"): assert secret not in said, secret
    # What was sent can be read nowhere any more.
    links = [link_in(bodies(m.mail)[0], "/verify/") for m in mailbox.to("early@kit.test")]
    for file in (work / "data").glob("farebox.db*"):
        for link in links: assert link.rsplit("/", 1)[1].encode() not in file.read_bytes(), file


done()
