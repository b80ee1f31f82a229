package rime

import (
	"fmt"
	"net/http"
)

// code is a status code of gRPC.
type code int

const (
	codeCancelled          code = 1
	codeUnknown            code = 2
	codeInvalidArgument    code = 3
	codeDeadlineExceeded   code = 4
	codeNotFound           code = 5
	codeAlreadyExists      code = 6
	codePermissionDenied   code = 7
	codeResourceExhausted  code = 8
	codeFailedPrecondition code = 9
	codeAborted            code = 10
	codeOutOfRange         code = 11
	codeUnimplemented      code = 12
	codeInternal           code = 13
	codeUnavailable        code = 14
	codeDataLoss           code = 15
	codeUnauthenticated    code = 16
)

// httpStatus is grpc-gateway's mapping.
func (c code) httpStatus() int {
	switch c {
	case codeCancelled:
		return 499 // of nginx: the client closed the request
	case codeInvalidArgument, codeFailedPrecondition, codeOutOfRange:
		return http.StatusBadRequest
	case codeDeadlineExceeded:
		return http.StatusGatewayTimeout
	case codeNotFound:
		return http.StatusNotFound
	case codeAlreadyExists, codeAborted:
		return http.StatusConflict
	case codePermissionDenied:
		return http.StatusForbidden
	case codeResourceExhausted:
		return http.StatusTooManyRequests
	case codeUnimplemented:
		return http.StatusNotImplemented
	case codeUnavailable:
		return http.StatusServiceUnavailable
	case codeUnauthenticated:
		return http.StatusUnauthorized
	case codeUnknown, codeInternal, codeDataLoss:
		return http.StatusInternalServerError
	}
	return http.StatusInternalServerError
}

// refusal is an error that the API answers with.
type refusal struct {
	code    code
	message string
}

// Error implements error.
func (r *refusal) Error() string { return r.message }

func refuse(c code, format string, args ...any) *refusal {
	return &refusal{c, fmt.Sprintf(format, args...)}
}

// invalid refuses what a client sent.
func invalid(format string, args ...any) error { return refuse(codeInvalidArgument, format, args...) }

// nginxError answers as the ingress in front of the platform does: with a page, not with the API's JSON.
func nginxError(w http.ResponseWriter, status int) {
	text := http.StatusText(status)
	if status == http.StatusUnauthorized {
		text = "Authorization Required" // nginx's own words
	}
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "<html>\r\n<head><title>%[1]d %[2]s</title></head>\r\n<body>\r\n<center><h1>%[1]d %[2]s</h1></center>\r\n"+
		"<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n", status, text) // an error means that the client has gone
}

// serveFrontEnd answers every path that is not the API's, with the status of success: that is what a wrong base URL meets.
func serveFrontEnd(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = fmt.Fprint(w, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Robust Intelligence (simulated by rime-sandbox)</title></head>"+
		"<body><noscript>You need to enable JavaScript to run this app.</noscript><div id=\"root\"></div></body></html>\n") // an error means that the client has gone
}
