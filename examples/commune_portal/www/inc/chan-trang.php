</main>
<footer>
  <p>Cơ quan chủ quản: Ủy ban nhân dân xã Bình Minh</p>
  <p>Địa chỉ: ấp Trung Tâm, xã Bình Minh · Thư điện tử: ubnd@binhminh.example.vn</p>
  <p>Ghi rõ nguồn “Trang thông tin điện tử xã Bình Minh” khi phát hành lại thông tin từ trang này.</p>
</footer>
</body>
</html>
