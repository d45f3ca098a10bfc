// Original file: proto/sessionauthority/v1/session_service.proto


export interface GetJwksRequest {
}

export interface GetJwksRequest__Output {
}
