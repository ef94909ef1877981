package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash/crc32"
	"os"
	"path/filepath"

	pb "example.com/fbali-vendor/gen/fbali/v1"
	"github.com/google/uuid"
)

const chunkBytes = 512 * 1024

// answerCases agrees to what customers ask for, with a photo as evidence where there is one. A real
// vendor would let a person decide.
func (v *vendor) answerCases(ctx context.Context) error {
	request := &pb.ListCasesRequest{
		States:     []pb.CaseState{pb.CaseState_CASE_STATE_SUBMITTED},
		WaitingFor: pb.CaseParty_CASE_PARTY_VENDOR,
	}
	for {
		page, err := insist(ctx, v.afterSales.ListCases, request)
		if err != nil {
			return err
		}
		for _, found := range page.Cases {
			if err := v.answerCase(ctx, found.Name); err != nil {
				if err := passedOver(ctx, found.Name, err); err != nil {
					return err
				}
			}
		}
		if page.NextPageToken == "" {
			return nil
		}
		request.PageToken = page.NextPageToken
	}
}

func (v *vendor) answerCase(ctx context.Context, name string) error {
	if v.settings.photoFile != "" {
		photo, err := v.upload(ctx, name, v.settings.photoFile)
		if err != nil {
			return err
		}
		report("uploaded", "case", name, "photo", photo)
	}
	for tries := 1; ; tries++ {
		read, err := insist(ctx, v.afterSales.GetCase, &pb.GetCaseRequest{Name: name})
		if err != nil {
			return err
		}
		_, err = insist(ctx, v.afterSales.AcceptCase, &pb.AcceptCaseRequest{
			Name:      name,
			Note:      "We are sorry. Agreed.",
			Etag:      read.Case.Etag,
			RequestId: requestID("agree", name, read.Case.Etag),
		})
		if err == nil {
			report("answered", "case", name)
			return nil
		}
		if refusalOf(err).action != readAgain || tries == triesMax {
			return err
		}
	}
}

// upload sends a photo in chunks. Broken off, also by the end of this program, it goes on at the
// last byte that the server has: it knows the photo by its digest.
func (v *vendor) upload(ctx context.Context, parent, file string) (string, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	digest := hex.EncodeToString(sum[:])
	begun, err := insist(ctx, v.afterSales.CreateUpload, &pb.CreateUploadRequest{
		Parent:    parent,
		FileName:  filepath.Base(file),
		SizeBytes: int64(len(data)),
		Sha256:    digest,
		RequestId: uuid.NewString(), // The digest names the intent; an upload is forgotten after a day.
	})
	if err != nil {
		return "", err
	}
	if begun.Upload.State == pb.UploadState_UPLOAD_STATE_RECEIVING {
		if err := v.send(ctx, begun.Upload, data); err != nil {
			return "", err
		}
	}
	ended, err := insist(ctx, v.afterSales.FinalizeUpload, &pb.FinalizeUploadRequest{
		Name: begun.Upload.Name, Sha256: digest, RequestId: requestID("finalize", begun.Upload.Name),
	})
	if err != nil {
		return "", err
	}
	return ended.Photo.Name, nil
}

// send sends what the server does not have yet.
func (v *vendor) send(ctx context.Context, upload *pb.Upload, data []byte) error {
	step := min(chunkBytes, upload.ChunkSizeBytesMax)
	for resumes := 0; upload.CommittedSizeBytes < int64(len(data)); {
		offset := upload.CommittedSizeBytes
		chunk := data[offset:min(offset+step, int64(len(data)))]
		answer, err := insist(ctx, v.afterSales.WriteUploadChunk, &pb.WriteUploadChunkRequest{
			Name: upload.Name, Offset: offset, Data: chunk, Crc32: crc32.ChecksumIEEE(chunk),
		})
		switch {
		case err == nil:
			upload.CommittedSizeBytes = answer.CommittedSizeBytes
		case refusalOf(err).action == resumeUpload && resumes < triesMax:
			resumes++
			now, err := insist(ctx, v.afterSales.GetUpload, &pb.GetUploadRequest{Name: upload.Name})
			if err != nil {
				return err
			}
			upload = now.Upload
		default:
			return err
		}
	}
	return nil
}
