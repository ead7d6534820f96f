"""Lets a browser use the live page of chapter 13's server: submits, watches, cancels, loses a worker and the
connection.

    python3 tests/13_server/page_test.py BUILD/recipe [FOLDER for pictures [ONLY]]

Chromium and its driver are needed (Debian's `chromium` and `chromium-driver`); without them it is said that nothing was
tried. The exit status is 1 if something is wrong."""

import os
import signal
import sys

import client
from browser import Browser
from client import Server, check

PICTURES = None
TAB, ENTER, SPACE = "\ue004", "\ue007", " "


class Page(Browser):
    """The page of a server, opened and live."""

    def __init__(self, server):
        super().__init__()
        self.server = server
        self.open(f"http://127.0.0.1:{server.port}/")
        self.is_live()

    def is_live(self):
        self.until("document.querySelector('#connection').dataset.state === 'live'", "that it is live")

    def submit(self, kind, argument=None, times=1):
        """Fills in the form and sends it. @returns the newest job's ID"""
        self.script("const k = document.querySelector('#kind'); k.value = arguments[0];"
                    "k.dispatchEvent(new Event('change'))", kind)
        if argument is not None:
            self.write("#argument", str(argument))
        self.write("#times", str(times))
        self.script("document.querySelector('#message').textContent = ''")
        self.click("#form button")
        said = self.until("document.querySelector('#message').textContent", "an answer to the form")
        return int(said.split()[1]) if times == 1 else said

    def shows(self, job, state, seconds=30):
        """Waits until the table has a job in that state."""
        self.until(ROW + "?.querySelector('.state').textContent.includes(arguments[1])", f"job {job} {state}",
                   job, state, seconds=seconds)

    def cell(self, job, name):
        return self.script("return " + ROW + ".querySelector('td.' + arguments[1]).textContent", job, name)

    def picture(self, name):
        if not PICTURES:
            return
        self.screenshot(os.path.join(PICTURES, f"{name}-wide.png"))
        self.phone()
        self.script("return new Promise(done => setTimeout(done, 300))")
        self.screenshot(os.path.join(PICTURES, f"{name}-phone.png"))
        self.desk()


ROW = ("[...document.querySelectorAll('#rows tr')]"
       ".find(row => row.querySelector('a').textContent === '#' + arguments[0])")  # fmt: skip


def page(*arguments):
    server = Server(PROGRAM, "--workers", 4, "--threads", 4, *arguments)

    class Both(Page):
        def __exit__(self, *exception):
            try:
                super().__exit__(*exception)
            finally:
                server.end()

    try:
        return Both(server)
    except BaseException:
        server.end()
        raise


def a_job_is_submitted_and_watched_to_its_end():
    with page() as it:
        slow = it.submit("sleep", 100_000)
        it.shows(slow, "running")
        done = it.submit("count", 1)
        it.shows(done, "done")
        check(it.cell(done, "result"), "10000000")
        failed = it.submit("fail", "out of luck")
        it.shows(failed, "failed")
        check("out of luck" in it.cell(failed, "result"), True)
        it.submit("count", 1, times=12)
        it.until("Number(document.querySelector('#ended').textContent) >= 14", "14 jobs ended")
        it.until("document.querySelector('#timeline').ariaLabel.includes('runs job ' + arguments[0])",
                 "the timeline's text", slow)
        it.picture("watch")
        check(it.complaints(), [])


def a_job_is_cancelled():
    with page() as it:
        job = it.submit("spin", 600_000)
        it.shows(job, "running")
        it.picture("before-cancel")
        it.click(f"button[aria-label='Cancel job {job}']")
        it.shows(job, "cancelled")
        it.until("document.querySelector('#message').textContent.includes('cancelled')", "that it is told")
        check(it.server.ask("GET", f"/jobs/{job}").json["state"], "cancelled")
        check(it.submit("count", 1) > job, True)
        it.shows(job + 1, "done")
        it.picture("cancel")
        check(it.complaints(), [])


def a_worker_is_killed():
    with page() as it:
        job = it.submit("spin", 600_000)
        it.shows(job, "running")
        computes = max(it.server.workers(), key=lambda pid: processor_time(pid))
        os.kill(computes, signal.SIGKILL)
        it.shows(job, "failed")
        check("worker" in it.cell(job, "result"), True)
        it.shows(it.submit("count", 1), "done")
        it.picture("killed")
        check(it.complaints(), [])


def processor_time(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            words = file.read().rsplit(")", 1)[1].split()
        return int(words[11]) + int(words[12])
    except OSError:
        return -1


def the_connection_is_lost_and_regained():
    with page() as it:
        port = it.server.port
        before = it.submit("count", 1)
        it.shows(before, "done")
        it.server.end()
        it.until("document.querySelector('#connection').dataset.state === 'lost'", "that the connection is lost")
        it.picture("lost")
        it.script("document.querySelector('#form button').click()")
        it.until("document.querySelector('#message').classList.contains('wrong')", "that nothing can be submitted")
        with Server(PROGRAM, "--port", port) as again:
            it.is_live()
            check(again.port, port)
            it.until("document.querySelectorAll('#rows tr').length === 0", "nothing that this server does not know")
            it.shows(it.submit("random"), "done")
            it.picture("regained")


def a_server_that_says_nothing_is_taken_for_lost():
    with page() as it:
        os.kill(it.server.process.pid, signal.SIGSTOP)
        it.until("document.querySelector('#connection').dataset.state === 'lost'", "that the connection is lost")
        os.kill(it.server.process.pid, signal.SIGCONT)
        it.is_live()


def what_users_sent_is_only_text():
    with page() as it:
        elements = it.script("return document.querySelectorAll('body *:not(#rows *)').length")
        evil = "<img src=x onerror='document.title=1'><script>document.title=2</script>\u202e</td><b id=bold>&amp;"
        answer = it.server.ask("POST", "/jobs", {"kind": "fail", "args": {"what": evil}})
        check(answer.status, 202)
        it.shows(answer.json["id"], "failed")
        check(evil.replace("\u202e", "\\u202e") in it.cell(answer.json["id"], "result"), True)
        check(it.script("return document.querySelectorAll('#rows img, #rows script, #bold').length"), 0)
        check(it.script("return document.querySelectorAll('body *:not(#rows *)').length"), elements)
        check(it.script("return document.title"), "Job server")
        it.picture("hostile")
        check(it.complaints(), [])


def its_policy_stops_what_is_not_its_own():
    with page() as it:
        it.script("const s = document.createElement('script'); s.textContent = 'document.title = 3';"
                  "document.body.append(s);"
                  "const i = new Image(); i.src = 'http://127.0.0.1:9/x.png'; document.body.append(i)")
        check(it.script("return document.title"), "Job server")
        complaints = " ".join(it.complaints())
        check("Content Security Policy" in complaints and "script-src" in complaints, True, complaints)


def all_is_done_by_keyboard():
    with page() as it:
        focus = "const a = document.activeElement; return a.id || a.getAttribute('aria-label') || a.textContent"

        def tab_to(wanted):
            for _ in range(60):
                it.keys(TAB)
                if it.script(focus).strip() == wanted:
                    return
            raise client.Wrong(f"no key leads to {wanted!r}")

        it.keys(TAB)
        check(it.script(focus), "Skip to the jobs")
        tab_to("kind")
        it.keys(*"sleep")
        tab_to("argument")
        check(it.script("return document.querySelector('#kind').value"), "sleep")
        it.script("document.activeElement.select()")
        it.keys(*"600000")
        tab_to("Submit")
        it.keys(ENTER)
        it.shows(1, "running")
        tab_to("Cancel job 1")
        outline = it.script("return getComputedStyle(document.activeElement).outlineStyle")
        check(outline, "solid", "the focus is seen")
        it.keys(SPACE)
        it.shows(1, "cancelled")
        check(it.script(focus), "#1", "the focus stays in the row")


def it_fits_on_a_phone():
    with page() as it:
        for kind, argument in [("fail", "x" * 300), ("sleep", 100_000), ("count", 1)]:
            it.submit(kind, argument)
        it.shows(3, "done")
        it.phone()
        for width in (320, 420):
            it.phone(width)
            wide = it.script("return [document.documentElement.scrollWidth, innerWidth]")
            check(wide[0] <= width, True, f"it is {wide} wide")
            small = it.script("return [...document.querySelectorAll('button, input, select')]"
                              ".filter(e => e.offsetParent && e.offsetHeight < 40).map(e => e.id || e.textContent)")
            check(small, [], "too small for a finger")
        it.dark()
        it.desk()
        it.picture("dark")


def a_state_has_a_word_and_a_sign():
    with page() as it:
        ids = {
            "done": it.submit("random"),
            "failed": it.submit("fail", "no"),
            "running": it.submit("sleep", 100_000),
            "expired": it.server.ask(
                "POST", "/jobs", {"kind": "sleep", "args": {"ms": 100_000}, "deadline_ms": 50}
            ).json["id"],
        }
        for state, job in ids.items():
            it.shows(job, state)
        texts = [it.cell(job, "state") for job in ids.values()]
        check(len({text[0] for text in texts}), len(texts), f"signs: {texts}")
        it.picture("states")


def a_thousand_jobs_do_not_choke_it():
    with page() as it:
        with it.server.connect() as connection:
            for _ in range(1000):
                check(connection.ask("POST", "/jobs", {"kind": "empty"}).status, 202)
        it.shows(1000, "done")
        check(it.script("return document.querySelectorAll('#rows tr').length"), 100)
        it.picture("thousand")
        check(it.complaints(), [])


def it_says_that_the_server_drains():
    with page() as it:
        job = it.submit("sleep", 5000)
        it.shows(job, "running")
        it.server.process.send_signal(signal.SIGTERM)
        it.until("!document.querySelector('#draining').hidden", "that it drains")
        it.picture("draining")


TESTS = [
    a_job_is_submitted_and_watched_to_its_end,
    a_job_is_cancelled,
    a_worker_is_killed,
    the_connection_is_lost_and_regained,
    a_server_that_says_nothing_is_taken_for_lost,
    what_users_sent_is_only_text,
    its_policy_stops_what_is_not_its_own,
    all_is_done_by_keyboard,
    it_fits_on_a_phone,
    a_state_has_a_word_and_a_sign,
    a_thousand_jobs_do_not_choke_it,
    it_says_that_the_server_drains,
]

if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 4:
        sys.exit(__doc__)
    PROGRAM = os.path.abspath(sys.argv[1])
    PICTURES = os.path.abspath(sys.argv[2]) if len(sys.argv) > 2 else None
    if PICTURES:
        os.makedirs(PICTURES, exist_ok=True)
    sys.exit(client.run(TESTS, sys.argv[3] if len(sys.argv) > 3 else ""))
