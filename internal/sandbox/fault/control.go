package fault

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
)

// Mux has the control endpoint of the gate at /control, and those of stand-ins at /control/SERVICE, all out of the gate's reach.
func (g *Gate) Mux(controls map[string]http.Handler) *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("/control/", http.StripPrefix("/control", g.Control()))
	for service, control := range controls {
		mux.Handle("/control/"+service+"/", http.StripPrefix("/control/"+service, control))
	}
	return mux
}

// Control is the control endpoint of the gate:
//
//	GET    /requests   {"requests": [ … ]}, in the order of their arrival
//	DELETE /requests   forgets them
//	GET    /faults     the rules, as an array
//	PUT    /faults     replaces the rules; their counts begin anew
//	DELETE /faults     removes them
func (g *Gate) Control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /requests", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, struct {
			Requests []Request `json:"requests"`
		}{g.Requests()})
	})
	mux.HandleFunc("DELETE /requests", func(w http.ResponseWriter, _ *http.Request) {
		g.Forget()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /faults", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, g.Faults()) })
	mux.HandleFunc("PUT /faults", g.putFaults)
	mux.HandleFunc("DELETE /faults", func(w http.ResponseWriter, _ *http.Request) {
		_ = g.SetFaults() // no rules cannot be invalid
		w.WriteHeader(http.StatusNoContent)
	})
	return mux
}

func (g *Gate) putFaults(w http.ResponseWriter, r *http.Request) {
	rules, err := Parse(r.Body)
	if err == nil {
		err = g.SetFaults(rules...)
	}
	if err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// maxInput is more than any input of an action, and less than what would hurt, in bytes.
const maxInput = 8 << 20

// Action serves one action of a control endpoint: its input is the body, its answer, or nil, is what the client gets. A field that the input does
// not have is an error: what is silently not done makes a test pass.
func Action[T any](do func(*http.Request, T) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in T
		decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxInput))
		decoder.DisallowUnknownFields()
		err := decoder.Decode(&in)
		if errors.Is(err, io.EOF) { // no input
			err = nil
		}
		var out any
		if err == nil {
			out, err = do(r, in)
		}
		switch {
		case err != nil:
			writeJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		case out == nil:
			w.WriteHeader(http.StatusNoContent)
		default:
			writeJSON(w, http.StatusOK, out)
		}
	}
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // an error means that the client has gone
}
