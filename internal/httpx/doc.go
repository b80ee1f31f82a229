// Package httpx holds the links of the HTTP clients of this provider: each is an [http.RoundTripper] that does one thing to a request or
// to its answer and hands the rest to the next one. A client puts together the ones it needs, the outermost last:
//
//	transport → UserAgent → WholeAnswers → Observer → AttemptTimeout → Retry
//
// Nothing here knows what the requests mean. What may be repeated is decided by what HTTP says about methods and statuses (RFC 9110), never
// by a body.
package httpx
