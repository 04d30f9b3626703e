<?php
// Cấu hình của trang thông tin điện tử xã Bình Minh.
return [
    'ten_don_vi'     => 'Ủy ban nhân dân xã Bình Minh',
    'co_so_du_lieu'  => '/var/www/cong-xa/du-lieu/cong-xa.sqlite',
    'mui_gio'        => 'Asia/Ho_Chi_Minh',
    'so_bai_mot_trang' => 10,
    'nhan_gop_y'     => true,
];
