package tidegate

import (
	"errors"
	"io"
	"net/http"
)

// bound is the request with a body that fails beyond the limit; the cost is given back then.
func (m *middleware) bound(w http.ResponseWriter, r *http.Request, giveBack func()) *http.Request {
	if m.maxBody < 0 || r.Body == nil || r.Body == http.NoBody {
		return r
	}
	bounded := *r // a handler must not change the request that it was given
	bounded.Body = &boundBody{ReadCloser: http.MaxBytesReader(w, r.Body, m.maxBody), giveBack: giveBack}
	return &bounded
}

type boundBody struct {
	io.ReadCloser
	giveBack func() // nil when it has been done, or there is nothing to give
}

func (b *boundBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	var tooLarge *http.MaxBytesError
	if err != nil && b.giveBack != nil && errors.As(err, &tooLarge) {
		b.giveBack()
		b.giveBack = nil
	}
	return n, err
}

// WriteTooLarge answers with 413 if err comes from a request's body that is larger than
// [WithMaxBody] allows, and says whether it does:
//
//	body, err := io.ReadAll(r.Body)
//	if tidegate.WriteTooLarge(w, err) {
//		return
//	}
func WriteTooLarge(w http.ResponseWriter, err error) bool {
	var tooLarge *http.MaxBytesError
	if !errors.As(err, &tooLarge) {
		return false
	}
	ContentTooLarge(tooLarge.Limit).write(w)
	return true
}
