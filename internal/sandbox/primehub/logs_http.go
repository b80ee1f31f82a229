package primehub

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// logInterval is how often a log that is followed is looked at.
const logInterval = 10 * time.Millisecond

// serveLog passes the log of an image's pod through (internal/primehub/CONTRACT.md §4.7).
func (p *Platform) serveLog(w http.ResponseWriter, r *http.Request) {
	j, refuse := p.jobForLog(r)
	if refuse != nil {
		refuse(w)
		return
	}
	tail := -1
	if n, err := strconv.Atoi(r.FormValue("tailLines")); err == nil && n >= 0 {
		tail = n
	}
	w.Header().Set("Content-Type", "text/plain")
	follow := r.FormValue("follow") == "true"
	for written := 0; ; {
		lines, ended := p.logOf(j)
		if written == 0 && tail >= 0 && len(lines) > tail {
			written = len(lines) - tail
		}
		for _, line := range lines[min(written, len(lines)):] {
			_, _ = io.WriteString(w, line.text+"\n") // an error means that the client has gone
		}
		written = len(lines)
		if !follow || ended {
			return
		}
		_ = http.NewResponseController(w).Flush() // as above
		select {
		case <-r.Context().Done():
			return
		case <-time.After(logInterval):
		}
	}
}

// logOf is the log so far, and whether nothing more can come.
func (p *Platform) logOf(j *job) (lines []logLine, ended bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.agenda.CatchUp()
	if j.pod == nil || !p.current(j) {
		return nil, true
	}
	phase := j.pod.phaseAt(now)
	return j.log(now), phase != phasePending && phase != phaseRunning
}

// jobForLog finds the build whose log is asked for, or how to refuse it.
func (p *Platform) jobForLog(r *http.Request) (*job, func(http.ResponseWriter)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.agenda.CatchUp()
	name := r.PathValue("id")
	who, err := p.authenticate(r.Header.Get("Authorization"), now)
	img, getErr := p.getImage(name)
	j := p.jobs[name]
	switch {
	case err != nil && err.Error() != noToken:
		return nil, jsonRefusal(http.StatusInternalServerError, codeInternal, err.Error())
	case err != nil:
		return nil, forbidden(r)
	case getErr == nil && !who.admin() && !who.client() && !p.administers(who, img.spec.text("groupName")):
		return nil, forbidden(r)
	case getErr != nil || j == nil:
		return nil, jsonRefusal(http.StatusBadRequest, codeNotFound, "HTTP request failed")
	case j.podName == "":
		return nil, jsonRefusal(http.StatusInternalServerError, codeInternal, "Cannot read properties of undefined (reading 'podName')")
	case j.pod == nil:
		return nil, statusRefusal(http.StatusNotFound, "NotFound", fmt.Sprintf("pods %q not found", j.podName))
	case j.pod.phaseAt(now) == phasePending:
		return nil, statusRefusal(http.StatusBadRequest, "BadRequest",
			fmt.Sprintf("container \"build-and-push\" in pod %q is waiting to start: ContainerCreating", j.podName))
	}
	return j, nil
}

func jsonRefusal(status int, code, message string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { writeJSON(w, status, map[string]string{"code": code, "message": message}) }
}

// statusRefusal is a refusal of Kubernetes, passed through.
func statusRefusal(status int, reason, message string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		writeJSON(w, status, map[string]any{
			"kind": "Status", "apiVersion": "v1", "metadata": map[string]any{}, "status": "Failure", "message": message, "reason": reason, "code": status,
		})
	}
}

// forbidden is a web page, unless the client does not want any.
func forbidden(r *http.Request) func(http.ResponseWriter) {
	accept := r.Header.Get("Accept")
	if accept != "" && !strings.Contains(accept, "text/html") && !strings.Contains(accept, "*/*") {
		return jsonRefusal(http.StatusForbidden, codeInternal, noToken)
	}
	return func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(http.StatusForbidden)
		// An error means that the client has gone.
		_, _ = io.WriteString(w, "<!DOCTYPE html>\n<html><head><title>PrimeHub</title></head><body><h1>403</h1><p>"+html.EscapeString(noToken)+"</p></body></html>\n")
	}
}
