package rime

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// logPath is where the logs of failed builds are: a presigned address in the storage of a platform's cloud, here an address of the
// platform itself, which asks for no key either.
const logPath = "/archived-logs/logs/"

func (p *Platform) archivedLogs(c *call, j *job) *logsDocument {
	expires := j.completed.Add(p.options.LogLifetime)
	address := url.URL{Scheme: "http", Host: c.Host, Path: logPath + j.id}
	if c.TLS != nil {
		address.Scheme = "https"
	}
	deadline := strconv.FormatInt(expires.UnixMilli(), 10)
	address.RawQuery = url.Values{"expires": {deadline}, "signature": {p.logSignature(j.id, deadline)}}.Encode()
	return &logsDocument{addressDocument{address.String()}, timestamp(expires)}
}

func (p *Platform) logSignature(id, deadline string) string {
	return hex.EncodeToString(p.sign([]byte("log " + id + " " + deadline)))
}

func (p *Platform) serveLog(w http.ResponseWriter, r *http.Request) {
	id, deadline := r.PathValue("id"), r.FormValue("expires")
	milliseconds, err := strconv.ParseInt(deadline, 10, 64)
	switch {
	case err != nil || r.FormValue("signature") != p.logSignature(id, deadline):
		storageError(w, http.StatusForbidden, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided.")
		return
	case !p.options.Clock().Before(time.UnixMilli(milliseconds)):
		storageError(w, http.StatusForbidden, "AccessDenied", "Request has expired")
		return
	}
	log, found := p.log(id)
	if !found {
		storageError(w, http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = fmt.Fprint(w, log) // an error means that the client has gone
}

// storageError answers as an object store does.
func storageError(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s</Code><Message>%s</Message></Error>", code, message) // as above
}

// log is the log of a build that failed.
func (p *Platform) log(id string) (text string, found bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.agenda.CatchUp()
	j, found := p.jobs[id]
	if !found || j.status != jobFailed {
		return "", false
	}
	var b strings.Builder
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(&b, format+"\n", args...) }
	line("This log is simulated by rime-sandbox: nothing was built.")
	line("building image %s with tag %s and Python %s", j.image.name, j.tag, j.image.python)
	for _, r := range j.image.packages {
		line("installing system package %s %s", r.Name, r.VersionSpecifier)
	}
	for _, r := range j.image.pip {
		line("installing pip requirement %s%s", r.Name, r.VersionSpecifier)
	}
	line("%s", j.defect.message())
	return b.String(), true
}
