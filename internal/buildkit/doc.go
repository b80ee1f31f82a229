// Package buildkit builds the images of the embedded registry with a BuildKit daemon: from a base image by digest,
// packages of its operating system, then pip requirements, published with labels, an SBOM and provenance.
//
// The build is LLB, BuildKit's own graph, made here; there is no Dockerfile and no text of a user is ever read by a
// shell. Index URLs, pip's configuration and registry passwords travel as secrets and session answers, so that they
// are in no layer, history, provenance or log. What goes wrong comes back as an [*Error] that says whose fault it was.
package buildkit
